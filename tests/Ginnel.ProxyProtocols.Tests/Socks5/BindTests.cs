using System.Net;

namespace Ginnel.ProxyProtocols.Tests.Socks5;

public sealed class BindTests
{
    private static readonly IPEndPoint Awaited = IPEndPoint.Parse("10.0.0.1:4000");

    [Fact]
    public async Task G7_only_the_expected_peer_is_let_in_and_both_replies_name_their_addresses()
    {
        TestClients peers = new();
        await using Socks5Proxy proxy = Binding(peers);
        await using TestClient client = await proxy.GreetAsync();
        await client.SayAsync(5, 2, 0, 1, 203, 0, 113, 5, 0, 21);
        Assert.Equal(new byte[] { 5, 0, 0, 1, 10, 0, 0, 1, 0x0F, 0xA0 }, await client.HearAsync(10));
        await using TestClient stranger = peers.Connect("203.0.113.6");
        await stranger.AssertResetAsync();
        Assert.Equal(1, proxy.Listener.Incidents[ProxyIncident.BindStranger]);
        await using TestClient peer = peers.Connect("203.0.113.5");
        int port = ((IPEndPoint)peer.Stream.LocalEndPoint!).Port;
        Assert.Equal(new byte[] { 5, 0, 0, 1, 203, 0, 113, 5, (byte)(port >> 8), (byte)port }, await client.HearAsync(10));
        await client.SayAsync("to peer");
        Assert.Equal("to peer"u8.ToArray(), await peer.HearAsync(7));
        await peer.SayAsync("back");
        Assert.Equal("back"u8.ToArray(), await client.HearAsync(4));
        Assert.Equal(1, proxy.Listener.BindFlows.LiveCount);
    }

    [Fact]
    public async Task Without_an_address_anybody_may_come()
    {
        TestClients peers = new();
        await using Socks5Proxy proxy = Binding(peers);
        await using TestClient client = await proxy.GreetAsync();
        await client.SayAsync(5, 2, 0, 1, 0, 0, 0, 0, 0, 0);
        await client.HearAsync(10);
        await using TestClient peer = peers.Connect("203.0.113.7");
        Assert.Equal(new byte[] { 5, 0, 0, 1, 203, 0, 113, 7 }, (await client.HearAsync(10))[..8]);
    }

    [Fact]
    public async Task A_peer_that_does_not_come_in_time_is_given_up()
    {
        TestClients peers = new();
        await using Socks5Proxy proxy = Binding(peers);
        await using TestClient client = await proxy.GreetAsync();
        await client.SayAsync(5, 2, 0, 1, 203, 0, 113, 5, 0, 21);
        await client.HearAsync(10);
        proxy.Time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(Socks5Proxy.Refusal(6), await client.HearAllAsync());
    }

    [Fact]
    public async Task A_failure_to_listen_is_the_first_reply()
    {
        await using Socks5Proxy proxy = new(time => new Socks5Options
        {
            Time = time,
            ListenForBind = static (_, _) => new ValueTask<ListenResult>(ListenResult.Failed(new DialFailure(DialFailureKind.Denied))),
        });
        await using TestClient client = await proxy.GreetAsync();
        await client.SayAsync(5, 2, 0, 1, 203, 0, 113, 5, 0, 21);
        Assert.Equal(Socks5Proxy.Refusal(2), await client.HearAllAsync());
    }

    private static Socks5Proxy Binding(TestClients peers) => new(time => new Socks5Options
    {
        Time = time,
        ListenForBind = (_, _) => new ValueTask<ListenResult>(ListenResult.Listening(peers, Awaited)),
    });
}
