using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.Running;

/// <summary>DNS inside, against a dnsmasq that stands for the host's resolver: every type, and "no such type" apart from "no such name".</summary>
public sealed class NameTests(TestNetwork network)
{
    private static readonly SemaphoreSlim Once = new(1, 1);
    private static bool s_isServed;

    private async Task RequireAsync()
    {
        await network.RequireAsync("dig", "dnsmasq");
        await Once.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            if (s_isServed) return;
            string hosts = Path.Combine(network.Folder, "dnsmasq.conf");
            string big = string.Join('\n', Enumerable.Range(0, 60).Select(i => $"host-record=big.example,198.18.7.{i}"));
            await File.WriteAllTextAsync(hosts, $"""
                no-resolv
                no-hosts
                user=root
                pid-file=
                keep-in-foreground
                listen-address={TestNetwork.PeerAddress}
                bind-interfaces
                local=/example/
                address=/www.example/{TestNetwork.PeerAddress}
                address=/www.example/{TestNetwork.PeerAddressV6}
                host-record=four.example,198.18.0.44
                mx-host=www.example,mail.example,10
                txt-record=www.example,"a text"
                srv-host=_imap._tcp.www.example,mail.example,143,1,2
                cname=alias.example,www.example
                caa-record=www.example,0,issue,ca.example
                {big}
                """, TestContext.Current.CancellationToken);
            network.Serve("dnsmasq", "-C", hosts);
            using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            patience.CancelAfter(TimeSpan.FromSeconds(60));
            // Refused, as long as nobody listens, which is known at once.
            while (!(await network.RunAtPeerAsync("dig", "+short", "+time=1", "+tries=1", $"@{TestNetwork.PeerAddress}", "www.example"))
                .Output.Contains(TestNetwork.PeerAddress, StringComparison.Ordinal)) await Task.Delay(50, patience.Token);
            s_isServed = true;
        }
        finally
        {
            Once.Release();
        }
    }

    private Task<Outcome> DigAsync(params string[] words) =>
        network.RunAsync(Who.Root, [.. TestNetwork.Ginnel("run", "--dns", TestNetwork.PeerAddress), "dig", "+time=10", "+tries=3", .. words]);

    [Fact]
    public async Task EveryTypeIsAnswered()
    {
        await RequireAsync();
        Outcome outcome = await DigAsync("+noall", "+answer", "www.example", "A", "www.example", "AAAA", "www.example", "MX", "www.example", "TXT",
            "_imap._tcp.www.example", "SRV", "alias.example", "A", "www.example", "CAA");
        foreach (string expected in (string[])[TestNetwork.PeerAddress, TestNetwork.PeerAddressV6, "10 mail.example.", "\"a text\"", "2 143 mail.example.", "www.example.", "issue"])
        {
            Assert.Contains(expected, outcome.Output);
        }
    }

    [Fact]
    public async Task TheSameOverTcp()
    {
        await RequireAsync();
        Outcome outcome = await DigAsync("+tcp", "+noall", "+answer", "+comments", "www.example", "A", "www.example", "MX");
        Assert.Contains(TestNetwork.PeerAddress, outcome.Output);
        Assert.Contains("10 mail.example.", outcome.Output);
    }

    [Fact]
    public async Task NoSuchNameAndNoSuchTypeAreKeptApart()
    {
        await RequireAsync();
        Outcome none = await DigAsync("nothing.example", "A"), other = await DigAsync("four.example", "AAAA");
        Assert.Contains("status: NXDOMAIN", none.Output);
        Assert.Contains("status: NOERROR", other.Output);
        Assert.Contains("ANSWER: 0", other.Output);
    }

    [Fact]
    public async Task WhatDoesNotFitADatagramIsFetchedOverTcp()
    {
        await RequireAsync();
        Outcome outcome = await DigAsync("+noedns", "+short", "big.example", "A");
        Assert.Equal(60, outcome.Output.Split('\n').Count(l => l.StartsWith("198.18.7.", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task OurOwnNamesAreAnsweredHere()
    {
        await RequireAsync();
        Outcome outcome = await DigAsync("+noall", "+answer", "+comments", "ginnel.internal", "A", "host.docker.internal", "A", "host.containers.internal", "AAAA",
            "other.ginnel.internal", "A", "x.localhost", "A", "duckduckgo.onion", "A", "-x", "10.0.2.2");
        Assert.Contains("10.0.2.2", outcome.Output);
        Assert.Contains("10.0.2.4", outcome.Output);
        Assert.Contains("fd00:2::4", outcome.Output);
        Assert.Contains("127.0.0.1", outcome.Output);
        Assert.Equal(2, outcome.Output.Split("status: NXDOMAIN").Length - 1);
        Assert.Contains("ginnel.internal.", outcome.Output);
    }

    [Fact]
    public async Task WithoutAServerQuestionsFailAtOnce()
    {
        await RequireAsync();
        // Nobody listens at this port of a host that is there: refused, hence SERVFAIL without waiting.
        Outcome outcome = await network.RunAsync(Who.Root, [.. TestNetwork.Ginnel("run", "--dns", TestNetwork.HostAddress), "dig", "+time=4", "+tries=1", "www.example"]);
        Assert.Contains("status: SERVFAIL", outcome.Output);
    }

    [Fact]
    public async Task ProgramsResolveAndTheLogTellsTheName()
    {
        await RequireAsync();
        Assert.SkipUnless(File.Exists("/usr/bin/curl"), "curl is not installed");
        Outcome outcome = await network.RunAsync(Who.UserWithTun, [.. TestNetwork.Ginnel("run", "-v", "--summary", "--dns", TestNetwork.PeerAddress),
            "curl", "-4", "-s", "-m", "20", "-o", "/dev/null", "-w", "%{http_code}", $"http://www.example:{PeerServer.Http}/"]);
        Assert.Equal("200", outcome.Output);
        Assert.Contains($"tcp  www.example:{PeerServer.Http} ({TestNetwork.PeerAddress})", outcome.Errors);
        Assert.Contains("closed", outcome.Errors);
        Assert.Contains("ginnel: 1 flows, 0 failed", outcome.Errors);
    }
}
