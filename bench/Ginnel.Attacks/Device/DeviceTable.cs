using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Ginnel.Attacks.Device;

/// <summary>A SYN flood over a real device in real time, beside a real transfer.</summary>
internal static class DeviceTable
{
    private const int Rate = 100_000;
    private const double Warm = 1, Peace = 2;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <param name="Gigabits">What the honest program sends a second at most; 0 for as much as it can.</param>
    private sealed record Row(string Name, bool AnyIp, bool IsSilent, int Gigabits);

    private static readonly Row[] Rows =
    [
        .. from gigabits in (int[])[1, 0]
           from row in (Row[])
           [
               new("at a listener", AnyIp: false, IsSilent: false, gigabits),
               new("any-IP, dials that nobody answers", AnyIp: true, IsSilent: true, gigabits),
               new("any-IP, dials that connect at once", AnyIp: true, IsSilent: false, gigabits),
           ]
           select row,
    ];

    internal static async Task<string> MeasureAsync(int seconds)
    {
        StringBuilder report = new();
        report.AppendLine("## Over a TUN device, in real time").AppendLine();
        report.AppendLine(CultureInfo.InvariantCulture, $"`dotnet run -c Release --project bench/Ginnel.Attacks -- device {seconds}`, {Environment.ProcessorCount} cores, which the flood, the honest program, its kernel and the victim share. {Rate:N0} SYNs a");
        report.AppendLine(CultureInfo.InvariantCulture, $"second for {seconds} s from made-up addresses, by a raw socket in the namespace behind the device; an honest program there sends all the time, {Peace} s before the");
        report.AppendLine("flood, during it, and as long after it: a gigabit a second, or as much as it can. New honest connections are made one after another during the flood, each with one octet there and back.").AppendLine();
        report.AppendLine("| flood | the transfer | SYNs a second | in peace | during the flood | of peace | new connections | the longest took | buffers at most, of 256 MiB | sockets at most | dials at most at once | dials begun |");
        report.AppendLine("|---|---|---|---|---|---|---|---|---|---|---|---|");
        // Once for the compiler.
        await OneAsync(Rows[0], 1).ConfigureAwait(false);
        foreach (Row row in Rows)
        {
            report.AppendLine(await OneAsync(row, seconds).ConfigureAwait(false));
            Console.Error.WriteLine(row.Name);
        }
        return report.ToString();
    }

    private static async Task<string> OneAsync(Row row, int seconds)
    {
        await using DeviceField field = new(row.AnyIp, row.IsSilent);
        using Socket transfer = await field.ConnectAsync(Patience).ConfigureAwait(false) ?? throw new InvalidOperationException("There is no connection in peace.");
        if (row.Gigabits > 0) Pace(transfer, row.Gigabits);
        new Thread(() => Send(transfer)) { IsBackground = true, Name = "honest" }.Start();
        await Task.Delay(TimeSpan.FromSeconds(Warm)).ConfigureAwait(false);
        double before = await RateAsync(field, Task.Delay(TimeSpan.FromSeconds(Peace))).ConfigureAwait(false);
        Trial trial = new();
        double during, thrown;
        using (RawFlood flood = new(field.Space, field.Target, Rate))
        {
            long began = Stopwatch.GetTimestamp();
            during = await RateAsync(field, trial.RunAsync(field, TimeSpan.FromSeconds(seconds))).ConfigureAwait(false);
            thrown = flood.Sent / Stopwatch.GetElapsedTime(began).TotalSeconds;
        }
        await Task.Delay(TimeSpan.FromSeconds(Warm)).ConfigureAwait(false);
        double after = await RateAsync(field, Task.Delay(TimeSpan.FromSeconds(Peace))).ConfigureAwait(false), peace = (before + after) / 2;
        transfer.Dispose();
        return string.Create(CultureInfo.InvariantCulture,
            $"| {row.Name} | {(row.Gigabits > 0 ? $"{row.Gigabits} Gbit/s" : "full")} | {thrown:N0} | {peace / 1e9:0.00} Gbit/s | {during / 1e9:0.00} Gbit/s | {during / peace:P0} | {trial.Made} of {trial.Tried} | {trial.Longest.TotalMilliseconds:N0} ms | {trial.MostBuffers / 1048576.0:0.0} MiB | {trial.MostSockets:N0} | {field.Dialer?.Most.ToString("N0", CultureInfo.InvariantCulture) ?? "–"} | {field.Dialer?.Begun.ToString("N0", CultureInfo.InvariantCulture) ?? "–"} |");
    }

    private static async Task<double> RateAsync(DeviceField field, Task meanwhile)
    {
        long received = field.Sink.Received, began = Stopwatch.GetTimestamp();
        await meanwhile.ConfigureAwait(false);
        return (field.Sink.Received - received) * 8 / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    // SO_MAX_PACING_RATE, in octets a second.
    private static void Pace(Socket socket, int gigabits) => socket.SetRawSocketOption(1, 47, BitConverter.GetBytes(gigabits * 125_000_000));

    private static void Send(Socket socket)
    {
        byte[] chunk = new byte[256 << 10];
        try
        {
            while (true) socket.Send(chunk);
        }
        catch (Exception end) when (end is SocketException or ObjectDisposedException)
        {
            // The end of the measurement.
        }
    }

    /// <summary>What is seen while the flood goes on.</summary>
    private sealed class Trial
    {
        internal int Tried { get; private set; }
        internal int Made { get; private set; }
        internal TimeSpan Longest { get; private set; }
        internal long MostBuffers { get; private set; }
        internal int MostSockets { get; private set; }

        internal async Task RunAsync(DeviceField field, TimeSpan time)
        {
            long began = Stopwatch.GetTimestamp();
            Task trying = TryAsync(field, began, time);
            while (Stopwatch.GetElapsedTime(began) < time)
            {
                await Task.Delay(100).ConfigureAwait(false);
                HostSnapshot now = field.Host.Snapshot();
                MostBuffers = Math.Max(MostBuffers, now.BufferBytes);
                MostSockets = Math.Max(MostSockets, now.Sockets);
            }
            await trying.ConfigureAwait(false);
        }

        private async Task TryAsync(DeviceField field, long began, TimeSpan time)
        {
            while (Stopwatch.GetElapsedTime(began) < time)
            {
                Tried++;
                if (await field.TryAsync(Patience).ConfigureAwait(false) is { } took)
                {
                    Made++;
                    if (took > Longest) Longest = took;
                }
                await Task.Delay(200).ConfigureAwait(false);
            }
        }
    }
}
