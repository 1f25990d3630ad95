using System.Globalization;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.Running;

/// <summary>
/// Explicit congestion notification (RFC 3168) with the kernel's TCP: it asks, we agree; packets of both directions are marked by a firewall
/// rule inside, and each side's echo brings the other's window down.
/// </summary>
public sealed class KernelEcnTests(TestNetwork network)
{
    // Every fiftieth packet that may be marked is marked, in either direction, super-segments included. Counters tell who said CWR.
    private const string Rules = """
        add table ip marks
        add chain ip marks out { type filter hook output priority 0; }
        add chain ip marks in { type filter hook input priority 0; }
        add rule ip marks out ip ecn != not-ect tcp flags & (syn | rst) != 0 counter comment \"bad\"
        add rule ip marks in ip ecn != not-ect tcp flags & (syn | rst) != 0 counter comment \"bad\"
        add rule ip marks out tcp flags & (cwr | syn) == cwr counter comment \"out cwr\"
        add rule ip marks in tcp flags & (cwr | syn) == cwr counter comment \"in cwr\"
        add rule ip marks out tcp flags & (ecn | syn) == ecn counter comment \"out ece\"
        add rule ip marks in tcp flags & (ecn | syn) == ecn counter comment \"in ece\"
        add rule ip marks out ip ecn ect0 numgen inc mod 50 0 counter ip ecn set ce comment \"out ce\"
        add rule ip marks in ip ecn ect0 numgen inc mod 50 0 counter ip ecn set ce comment \"in ce\"
        """;

    // Moves 64 MiB both ways at the same time, byte for byte, then lets the kernel describe the connection and the rules their counts.
    private const string Talk = """
        import subprocess, threading, socket, random, hashlib, re
        open('/proc/sys/net/ipv4/tcp_ecn', 'w').write('1')
        rules = subprocess.run(['nft', '-f', '-'], input=RULES, text=True, capture_output=True)
        if rules.returncode: print('no rules', rules.stderr); raise SystemExit(0)
        s = socket.create_connection((PEER, PORT), 60)
        data = random.Random(1).randbytes(1 << 20) * 64
        threading.Thread(target=lambda: s.sendall(data), daemon=True).start()
        got = hashlib.sha256(); left = len(data)
        while left:
            part = s.recv(min(left, 1 << 18))
            if not part: raise SystemExit('closed early')
            got.update(part); left -= len(part)
        print('whole' if got.digest() == hashlib.sha256(data).digest() else 'broken')
        print(subprocess.run(['ss', '-tinoH', 'state', 'established'], capture_output=True, text=True).stdout)
        for line in subprocess.run(['nft', 'list', 'table', 'ip', 'marks'], capture_output=True, text=True).stdout.splitlines():
            found = re.search(r'counter packets (\d+) .*comment "(.*)"', line)
            if found: print(found[2], '=', found[1])
        """;

    [Fact]
    public async Task MarksOfBothDirectionsAreEchoedAndAnswered()
    {
        await network.RequireAsync("python3", "ss", "nft");
        string program = string.Create(CultureInfo.InvariantCulture,
            $"RULES = \"\"\"{Rules}\"\"\"\nPEER = '{TestNetwork.PeerAddress}'\nPORT = {PeerServer.Echo}\n{Talk}");
        Outcome outcome = await network.RunAsync(Who.Root, [.. TestNetwork.Ginnel("run"), "/usr/bin/python3", "-c", program]);
        Assert.Equal("", outcome.Errors);
        Assert.SkipWhen(outcome.Output.StartsWith("no rules", StringComparison.Ordinal), $"the kernel takes no such rules: {outcome.Output}");
        Assert.StartsWith("whole", outcome.Output, StringComparison.Ordinal);
        // The kernel takes us for a peer with ECN, and has seen our ECT.
        Assert.Matches(@"\becn ecnseen\b", outcome.Output);
        // How often its data were told to be marked: our echoes.
        Assert.Matches(@"\bdelivered_ce:[1-9]", outcome.Output);
        Assert.Contains("bad = 0", outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotMatch(@"bad = [1-9]", outcome.Output);
        foreach (string count in (string[])["out ce", "in ce", "in ece", "out cwr", "out ece", "in cwr"]) Assert.Matches($@"{count} = [1-9]", outcome.Output);
    }
}
