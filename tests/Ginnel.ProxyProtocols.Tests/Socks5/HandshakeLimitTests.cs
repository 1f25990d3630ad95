namespace Ginnel.ProxyProtocols.Tests.Socks5;

public sealed class HandshakeLimitTests
{
    [Theory]
    [InlineData(new byte[0])]
    [InlineData(new byte[] { 5 })]
    [InlineData(new byte[] { 5, 1, 0, 5, 1, 0, 3, 200, 97 })]
    public async Task A_silent_client_is_cut_in_time(byte[] said)
    {
        await using Socks5Proxy proxy = new();
        await using TestClient client = proxy.Clients.Connect();
        await client.SayAsync(said);
        if (said.Length > 2) await client.HearAsync(2);
        await Socks5Proxy.UntilAsync(() => proxy.Listener.HandshakeCount == 1);
        proxy.Time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(1, proxy.Listener.HandshakeCount);
        // The deadline is set just after the place is taken; once more covers either order.
        await Socks5Proxy.UntilAsync(() =>
        {
            proxy.Time.Advance(TimeSpan.FromSeconds(1));
            return proxy.Listener.HandshakeCount == 0;
        });
        await client.AssertResetAsync();
        Assert.Equal(1, proxy.Listener.Incidents[ProxyIncident.HandshakeTimedOut]);
    }

    [Fact]
    public async Task Silent_clients_beyond_the_limit_push_out_their_own_kind_and_nobody_else()
    {
        await using Socks5Proxy proxy = new(time => new Socks5Options { Time = time, MaxHandshakes = 4 });
        await using TestClient served = await proxy.GreetAsync();
        await served.SayAsync(Socks5Proxy.Connect);
        await served.HearAsync(10);
        (_, _, TestClient server) = await proxy.World.NextAsync();
        List<TestClient> silent = [];
        for (int i = 0; i < 20; i++) silent.Add(proxy.Clients.Connect("203.0.113.66"));
        await Socks5Proxy.UntilAsync(() => proxy.Listener.Incidents[ProxyIncident.HandshakeEvicted] >= 16 && proxy.Listener.HandshakeCount <= 4);
        await using TestClient honest = await proxy.GreetAsync();
        await honest.SayAsync(Socks5Proxy.Connect);
        Assert.Equal(Socks5Proxy.Refusal(0), await honest.HearAsync(10));
        await served.SayAsync("x");
        await server.HearAsync(1);
        foreach (TestClient client in silent) await client.DisposeAsync();
    }

    [Fact]
    public async Task Closing_the_listener_drops_handshakes_and_ends_accepting()
    {
        TestClients clients = new();
        Socks5Listener listener = new(clients, new Socks5Options { Time = new Testing.SimulatedTime() });
        await using TestClient client = clients.Connect();
        await Socks5Proxy.UntilAsync(() => listener.HandshakeCount == 1);
        ValueTask<IPendingConnection?> connection = listener.AcceptAsync(TestContext.Current.CancellationToken);
        ValueTask<IPendingPort?> port = listener.AcceptPortAsync(TestContext.Current.CancellationToken);
        await listener.DisposeAsync();
        Assert.Null(await connection);
        Assert.Null(await port);
        await client.AssertResetAsync();
    }

    [Fact]
    public async Task Requests_that_nobody_takes_are_bounded_and_refused()
    {
        TestClients clients = new();
        await using Socks5Listener listener = new(clients, new Socks5Options { Time = new Testing.SimulatedTime(), MaxHandshakes = 2 });
        List<TestClient> asking = [];
        for (int i = 0; i < 3; i++)
        {
            TestClient client = clients.Connect();
            await client.SayAsync([.. Socks5Proxy.Hello, .. Socks5Proxy.Connect]);
            await client.HearAsync(2);
            asking.Add(client);
            if (i < 2) await Socks5Proxy.UntilAsync(() => listener.HandshakeCount == 0);
        }
        Assert.Equal(Socks5Proxy.Refusal(1), await asking[2].HearAllAsync());
        Assert.Equal(1, listener.Incidents[ProxyIncident.Overflowed]);
        foreach (TestClient client in asking) await client.DisposeAsync();
    }
}
