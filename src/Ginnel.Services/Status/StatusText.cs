using System.Globalization;
using System.Text;

namespace Ginnel.Services.Status;

/// <summary>The page for terminals.</summary>
internal static class StatusText
{
    public static byte[] Write(StatusSnapshot snapshot)
    {
        StringBuilder text = new();
        text.Append(snapshot.Version).Append(", up ").Append(Readable.Duration(snapshot.Uptime)).Append("\n\n");
        int width = snapshot.Network.Count == 0 ? 0 : snapshot.Network.Max(l => l.Title.Length);
        foreach (StatusLine line in snapshot.Network)
        {
            string title = line.Title;
            foreach (string value in line.Values)
            {
                text.Append(title.PadRight(width)).Append("  ").Append(Readable.Plain(value)).Append('\n');
                title = "";
            }
        }
        text.Append(CultureInfo.InvariantCulture, $"\n{snapshot.Flows.Count} live flows, {snapshot.EndedFlows} ended, ");
        text.Append(CultureInfo.InvariantCulture, $"{Readable.Bytes(snapshot.BytesUp)} up, {Readable.Bytes(snapshot.BytesDown)} down\n");
        foreach (StatusFlow flow in snapshot.Flows)
        {
            text.Append(CultureInfo.InvariantCulture, $"{flow.Id,6}  {flow.Protocol,-4}  {Readable.Target(flow),-44} {Readable.Bytes(flow.BytesUp),9} up {Readable.Bytes(flow.BytesDown),9} down  {Readable.Duration(flow.Age)}\n");
        }
        return Encoding.UTF8.GetBytes(text.ToString());
    }
}

/// <summary>Figures and names as people read them.</summary>
public static class Readable
{
    /// <summary>Bytes in powers of 1,024: <c>812 B</c>, <c>1.4 MiB</c>.</summary>
    public static string Bytes(long count)
    {
        if (count < 1024) return string.Create(CultureInfo.InvariantCulture, $"{count} B");
        double value = count;
        int unit = -1;
        while (value >= 1023.95 && unit < 5)
        {
            value /= 1024;
            unit++;
        }
        return string.Create(CultureInfo.InvariantCulture, $"{value:0.0} {"KMGTPE"[unit]}iB");
    }

    /// <summary>A span in its two largest units: <c>12 ms</c>, <c>3.4 s</c>, <c>2 min 5 s</c>, <c>3 h 10 min</c>.</summary>
    public static string Duration(TimeSpan span)
    {
        if (span.TotalSeconds < 1) return string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, span.TotalMilliseconds):0} ms");
        if (span.TotalMinutes < 1) return string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0.0} s");
        if (span.TotalHours < 1) return string.Create(CultureInfo.InvariantCulture, $"{(int)span.TotalMinutes} min {span.Seconds} s");
        return string.Create(CultureInfo.InvariantCulture, $"{(long)span.TotalHours} h {span.Minutes} min");
    }

    /// <summary>Text from the network, made harmless for a terminal: control characters become question marks.</summary>
    public static string Plain(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.AsSpan().IndexOfAnyInRange('\0', '\u001F') < 0 && !text.Any(char.IsControl) ? text : new string([.. text.Select(c => char.IsControl(c) ? '?' : c)]);
    }

    /// <summary>Where a flow goes: the name and port if there is a name, else the address.</summary>
    public static string Target(StatusFlow flow)
    {
        ArgumentNullException.ThrowIfNull(flow);
        if (flow.Destination is not { } destination) return flow.Source is { } source ? $"from {source}" : "";
        return flow.Name is { } name ? $"{Plain(name)} ({Plain(destination)})" : Plain(destination);
    }
}
