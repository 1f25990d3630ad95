using System.Net;
using System.Net.Sockets;

namespace Ginnel.Proxy.Tests;

/// <summary>A rule's port, spoken to from the proxy's own side of the tunnel; behind it stands this host's loopback.</summary>
public sealed class RulePortTests
{
    private const string Key = "aLZGxRmWhOqTMYRr0WWYzSwwkmwWOwCXqnXXwsFG6EA=";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_limit_of_a_rule_counts_both_families_together()
    {
        using TcpListener server = new(IPAddress.Loopback, 0);
        server.Start();
        await using ProxySession session = await StartAsync($"tcp:80:{server.LocalEndpoint},max=1");
        await using DuplexStream first = await DialAsync(session, "10.0.0.1");
        while (session.Flows.LiveCount == 0) await Task.Yield();
        // The stack has shaken hands before the rule is asked: one too many is reset.
        await using DuplexStream second = await DialAsync(session, "fd00::1");
        await Assert.ThrowsAnyAsync<IOException>(() => second.ReadExactlyAsync(new byte[1], Token).AsTask().WaitAsync(TimeSpan.FromSeconds(30), Token));
        first.Abort();
        while (session.Flows.LiveCount > 0) await Task.Yield();
        await using DuplexStream third = await DialAsync(session, "fd00::1");
        while (session.Flows.LiveCount == 0) await Task.Yield();
    }

    private static async Task<DuplexStream> DialAsync(ProxySession session, string address)
    {
        DialResult result = await session.Host.Dialer.DialAsync(new IPEndPoint(IPAddress.Parse(address), 80), new FlowInfo { Protocol = FlowProtocol.Tcp }, Token);
        Assert.True(result.IsConnected);
        return result.Stream;
    }

    private static Task<ProxySession> StartAsync(params string[] rules) => ProxySession.StartAsync(
        new ProxyPlan
        {
            Configuration = WireGuardFile.Parse($"[Interface]\nPrivateKey = {Key}\nAddress = 10.0.0.1/32, fd00::1/128\n", "x"),
            Rules = [.. rules.Select(rule => RuleSetTests.Rule(rule, ProxyDirection.Ingress))],
        },
        new FlowRegistry(), Token);
}
