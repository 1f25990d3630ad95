using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Ginnel.Interop.Links;

namespace Ginnel.Interop.Scanning;

/// <summary>
/// What nmap's detection of operating systems finds out about the stack, from a namespace on the same segment: how well numbers could be
/// predicted, and how its odd probes are answered.
/// </summary>
public sealed partial class FingerprintTests
{
    private const int Open = 7001, Closed = 7002;

    // A known kernel has difficulty 0x100 and more here; 0 to 9 is what nmap calls a joke.
    private const int LeastDifficulty = 0xC0;

    [Fact]
    public async Task Numbers_cannot_be_predicted_and_odd_probes_are_answered_as_the_standard_says()
    {
        await using TapNetwork network = await TapNetwork.CreateAsync("nmap");
        await using NetworkHost host = new();
        HostInterface way = host.AddInterface(new HostInterfaceOptions { Addresses = [InterfaceAddress.Parse("10.99.0.1/24")] });
        host.Attach(way, network.Link, ownsLink: false);
        await using StackListener listener = host.Listen(new IPEndPoint(IPAddress.Any, Open));
        await network.RunAsync("ip link set tap0 up; ip addr add 10.99.0.2/24 dev tap0");
        string report = await network.RunAsync(
            $"nmap -O -v -d --osscan-guess --max-os-tries 1 -n -Pn -p {Open.ToString(CultureInfo.InvariantCulture)},{Closed.ToString(CultureInfo.InvariantCulture)} 10.99.0.1");
        TestContext.Current.TestOutputHelper?.WriteLine(report);
        Assert.Matches($@"{Open}/tcp\s+open", report);
        Assert.Matches($@"{Closed}/tcp\s+closed", report);
        Fingerprint found = new(report);

        // Initial sequence numbers (RFC 6528): no common divisor, no rate, and too far apart to guess. nmap's difficulty is a base-2 logarithm times eight.
        Assert.True(found.Number("SEQ", "SP") >= LeastDifficulty, found.Text);
        Assert.Equal(1, found.Number("SEQ", "GCD"));
        // IP identifiers (RFC 7739, RFC 6864): zero or random, never counted.
        // (II, of echo replies, is told from two of them, which says nothing about random ones.)
        Assert.All(["TI", "CI"], name => Assert.Contains(found.Value("SEQ", name), (string[])["Z", "RD", ""]));
        Assert.Matches(@"IP ID Sequence Generation: (All zeros|Randomized)", report);

        // T2, to the open port without any flag, and T3 with SYN, FIN, URG and PSH: nothing that an honest peer sends is answered.
        Assert.Equal("N", found.Value("T2", "R"));
        Assert.Equal("N", found.Value("T3", "R"));
        // T4, an ACK for nobody at the open port: a reset with its number (RFC 9293 section 3.10.7.2). T6: the same at the closed port (3.10.7.1).
        Assert.Equal(("Y", "R", "A"), (found.Value("T4", "R"), found.Value("T4", "F"), found.Value("T4", "S")));
        Assert.Equal(("Y", "R", "A"), (found.Value("T6", "R"), found.Value("T6", "F"), found.Value("T6", "S")));
        // T5, a SYN to the closed port, and T7, FIN, PSH and URG there: a reset with number zero that acknowledges it.
        Assert.Equal(("Y", "AR", "Z", "S+"), (found.Value("T5", "R"), found.Value("T5", "F"), found.Value("T5", "S"), found.Value("T5", "A")));
        Assert.Equal(("Y", "AR", "Z"), (found.Value("T7", "R"), found.Value("T7", "F"), found.Value("T7", "S")));
        // ECN, a SYN with ECE, CWR and a reserved bit: a SYN-ACK whose reserved bits are zero.
        Assert.Equal(("Y", ""), (found.Value("ECN", "R"), found.Value("ECN", "Q")));
        // U1, a datagram to a closed port: unreachable, with the packet as it was. IE: echo requests of an odd code are answered.
        Assert.Equal(("Y", "G", "G"), (found.Value("U1", "R"), found.Value("U1", "RID"), found.Value("U1", "RUCK")));
        Assert.Equal("Y", found.Value("IE", "R"));
        await StillServesAsync(network);
    }

    /// <summary>Nothing that the scan did is left of it: a client gets in as before.</summary>
    private static async Task StillServesAsync(TapNetwork network) =>
        await network.RunAsync($"python3 -c \"import socket; socket.create_connection(('10.99.0.1', {Open.ToString(CultureInfo.InvariantCulture)}), 20).close()\"");

    /// <summary>The fingerprint in nmap's report: lines of <c>OS:</c>, tests with values like <c>SEQ(SP=105%GCD=1…)</c>.</summary>
    private sealed class Fingerprint
    {
        private readonly Dictionary<string, string> _tests = [];

        public Fingerprint(string report)
        {
            // Either wrapped in lines of "OS:", or one test in a line.
            Text = string.Concat(report.Split('\n').Where(line => line.StartsWith("OS:", StringComparison.Ordinal)).Select(line => line["OS:".Length..].TrimEnd()));
            if (Text.Length == 0) Text = report;
            foreach (Match test in Test().Matches(Text)) _tests.TryAdd(test.Groups["name"].Value, test.Groups["values"].Value);
            Assert.True(_tests.ContainsKey("SEQ"), $"no fingerprint in:\n{report}");
        }

        public string Text { get; }

        /// <summary>A value; a test that got no answer has R=N and nothing else, and otherwise nmap leaves R=Y out in some.</summary>
        public string Value(string test, string name)
        {
            Assert.True(_tests.TryGetValue(test, out string? values), $"no test {test} in {Text}");
            string? found = values.Split('%').FirstOrDefault(each => each.StartsWith(name + "=", StringComparison.Ordinal));
            return found is null ? (name == "R" ? "Y" : "") : found[(name.Length + 1)..];
        }

        public int Number(string test, string name) => int.Parse(Value(test, name), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"\b(?<name>SEQ|OPS|WIN|ECN|T[1-7]|U1|IE)\((?<values>[^)]*)\)")]
    private static partial Regex Test();
}
