namespace Ginnel.PacketScripts;

/// <summary>Every state of TCP meets every kind of event in a script, or the list of absent cells says why it cannot.</summary>
public sealed class GridTests
{
    private static readonly string[] States =
    [
        "closed", "listen", "syn-sent", "syn-received", "established", "fin-wait-1", "fin-wait-2", "close-wait", "closing", "last-ack", "time-wait",
    ];

    private static readonly string[] Kinds =
    [
        // Segments that arrive (RFC 9293 section 3.10.7, RFC 5961, RFC 7323).
        "syn", "syn-ack", "ack", "ack-old", "ack-unsent", "data", "data-outside", "fin", "rst-exact", "rst-window", "rst-outside", "timestamp-old",
        // Calls of the user (section 3.10.1 to 3.10.6).
        "send", "receive", "close", "shutdown", "abort",
        // Timers (section 3.10.8; RFC 8985).
        "retransmit", "persist", "keepalive", "expire", "loss-probe", "reordering",
        // Errors that ICMP brings (section 3.9.2.2).
        "icmp-soft", "icmp-hard", "icmp-too-big",
    ];

    [Fact]
    public void EveryCellHasAScriptOrAReason()
    {
        string grid = Path.Combine(ScriptTests.Root, "grid");
        Dictionary<string, string> absent = File.ReadLines(Path.Combine(grid, "absent.txt")).Where(line => !line.StartsWith('#'))
            .Select(line => line.Split(": ", 2)).ToDictionary(parts => parts[0], parts => parts[1]);
        Assert.All(absent.Values, reason => Assert.NotEmpty(reason));
        List<string> wrong = [];
        foreach (string cell in States.SelectMany(state => Kinds.Select(kind => $"{state}/{kind}")))
        {
            bool exists = File.Exists(Path.Combine(grid, cell + ".pkt"));
            if (exists == absent.ContainsKey(cell)) wrong.Add(exists ? $"{cell}: has a script and a reason to have none" : $"{cell}: missing");
        }
        Assert.Empty(wrong);
        Assert.Equal(States.Length * Kinds.Length, absent.Count + Directory.GetFiles(grid, "*.pkt", SearchOption.AllDirectories).Length);
    }
}
