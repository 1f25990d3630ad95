using System.Net;
using System.Text;

namespace Ginnel.ProxyProtocols.Tests.Socks5;

public sealed class ConnectTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Connect_reaches_the_target_and_bytes_travel_both_ways()
    {
        await using Socks5Proxy proxy = new();
        await using TestClient client = await proxy.GreetAsync();
        await client.SayAsync(Socks5Proxy.Connect);
        (EndPoint target, FlowInfo flow, TestClient server) = await proxy.World.NextAsync();
        Assert.Equal(IPEndPoint.Parse("203.0.113.5:80"), target);
        Assert.Equal(("test", FlowProtocol.Tcp, client.Stream.LocalEndPoint), (flow.Origin, flow.Protocol, flow.Source));
        Assert.Equal(Socks5Proxy.Refusal(0), await client.HearAsync(10));
        await client.SayAsync("up");
        Assert.Equal("up"u8.ToArray(), await server.HearAsync(2));
        await server.SayAsync("down");
        await server.Stream.CompleteWritesAsync(Token);
        Assert.Equal("down"u8.ToArray(), await client.HearAllAsync());
        await client.SayAsync("still");
        Assert.Equal("still"u8.ToArray(), await server.HearAsync(5));
    }

    [Fact]
    public async Task What_a_client_says_early_is_not_lost()
    {
        await using Socks5Proxy proxy = new();
        await using TestClient client = proxy.Clients.Connect();
        await client.SayAsync([.. Socks5Proxy.Hello, .. Socks5Proxy.Connect, .. "early"u8]);
        (_, _, TestClient server) = await proxy.World.NextAsync();
        await client.HearAsync(12);
        await client.SayAsync(" and late");
        Assert.Equal("early and late"u8.ToArray(), await server.HearAsync(14));
    }

    [Fact]
    public async Task What_is_said_while_the_dial_is_pending_is_not_lost()
    {
        await using Socks5Proxy proxy = new();
        TaskCompletionSource answer = new(TaskCreationOptions.RunContinuationsAsynchronously), asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        proxy.World.Answer = async (_, token) =>
        {
            asked.TrySetResult();
            await answer.Task.WaitAsync(token);
            return DialFailure.None;
        };
        await using TestClient client = await proxy.GreetAsync();
        await client.SayAsync(Socks5Proxy.Connect);
        await asked.Task.WaitAsync(Token);
        byte[] early = new byte[20_000];
        Random.Shared.NextBytes(early);
        await client.SayAsync(early);
        answer.SetResult();
        (_, _, TestClient server) = await proxy.World.NextAsync();
        Assert.Equal(early, await server.HearAsync(early.Length));
    }

    [Fact]
    public async Task A_request_byte_by_byte_is_understood()
    {
        await using Socks5Proxy proxy = new();
        await using TestClient client = proxy.Clients.Connect();
        foreach (byte b in Socks5Proxy.Hello) await client.SayAsync(b);
        Assert.Equal(new byte[] { 5, 0 }, await client.HearAsync(2));
        foreach (byte b in Socks5Proxy.Connect) await client.SayAsync(b);
        Assert.Equal(IPEndPoint.Parse("203.0.113.5:80"), (await proxy.World.NextAsync()).Target);
    }

    [Theory]
    [InlineData(DialFailureKind.Refused, 5)]
    [InlineData(DialFailureKind.Reset, 5)]
    [InlineData(DialFailureKind.HostUnreachable, 4)]
    [InlineData(DialFailureKind.NameNotFound, 4)]
    [InlineData(DialFailureKind.NetworkUnreachable, 3)]
    [InlineData(DialFailureKind.Denied, 2)]
    [InlineData(DialFailureKind.TimedOut, 6)]
    [InlineData(DialFailureKind.Unsupported, 7)]
    [InlineData(DialFailureKind.Limit, 1)]
    [InlineData(DialFailureKind.ProxyFailed, 1)]
    public async Task Each_failure_has_its_code_and_the_client_is_closed(DialFailureKind kind, byte code)
    {
        await using Socks5Proxy proxy = new();
        proxy.World.Answer = (_, _) => Task.FromResult(new DialFailure(kind));
        await using TestClient client = await proxy.GreetAsync();
        await client.SayAsync(Socks5Proxy.Connect);
        Assert.Equal(Socks5Proxy.Refusal(code), await client.HearAllAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_client_that_goes_away_gives_the_dial_up(bool isReset)
    {
        await using Socks5Proxy proxy = new();
        TaskCompletionSource asked = new(TaskCreationOptions.RunContinuationsAsynchronously), given = new(TaskCreationOptions.RunContinuationsAsynchronously);
        proxy.World.Answer = async (_, token) =>
        {
            asked.TrySetResult();
            using CancellationTokenRegistration registration = token.Register(() => given.TrySetResult());
            await Task.Delay(Timeout.Infinite, token);
            return DialFailure.None;
        };
        TestClient client = await proxy.GreetAsync();
        await client.SayAsync(Socks5Proxy.Connect);
        await asked.Task.WaitAsync(Token);
        if (isReset) client.Stream.Abort();
        await client.DisposeAsync();
        await given.Task.WaitAsync(Token);
    }

    [Theory]
    [InlineData("example.org", "Unspecified/example.org:443")]
    [InlineData("example.org.", "Unspecified/example.org.:443")]
    [InlineData("_dmarc.example.org", "Unspecified/_dmarc.example.org:443")]
    [InlineData("127.0.0.1", "127.0.0.1:443")]
    [InlineData("127.1", "127.0.0.1:443")]
    [InlineData("0x7f000001", "127.0.0.1:443")]
    [InlineData("2130706433", "127.0.0.1:443")]
    [InlineData("0177.0.0.1", "127.0.0.1:443")]
    [InlineData("127.0.0.1.", "127.0.0.1:443")]
    [InlineData("::1", "[::1]:443")]
    [InlineData("[2001:db8::1]", "[2001:db8::1]:443")]
    [InlineData("::ffff:10.0.0.1", "10.0.0.1:443")]
    public async Task G4_a_literal_in_the_domain_field_is_an_address(string host, string target)
    {
        await using Socks5Proxy proxy = new();
        await using TestClient client = await proxy.GreetAsync();
        await client.SayAsync([5, 1, 0, 3, (byte)host.Length, .. Encoding.ASCII.GetBytes(host), 1, 187]);
        Assert.Equal(target, (await proxy.World.NextAsync()).Target.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("a\0b")]
    [InlineData("a b")]
    [InlineData("a..b")]
    [InlineData(".a")]
    [InlineData(".")]
    [InlineData("a/b")]
    [InlineData("user@host")]
    [InlineData("fe80::1%1")]
    [InlineData("[fe80::1%25eth0]")]
    [InlineData("[::1")]
    [InlineData("[example.org]")]
    [InlineData("1.2.3.4.5")]
    [InlineData("256.256.256.256")]
    [InlineData("a.0x")]
    [InlineData("host:80")]
    [InlineData("\u00e4.example")]
    [InlineData("a\r\nHost: b")]
    public async Task G4_what_is_no_host_is_refused(string host)
    {
        await using Socks5Proxy proxy = new();
        await using TestClient client = await proxy.GreetAsync();
        await client.SayAsync([5, 1, 0, 3, (byte)host.Length, .. Encoding.Latin1.GetBytes(host), 1, 187]);
        Assert.Equal(Socks5Proxy.Refusal(1), await client.HearAllAsync());
        Assert.True(proxy.World.IsQuiet);
        Assert.Equal(1, proxy.Listener.Incidents[ProxyIncident.Malformed]);
    }

    [Fact]
    public async Task G4_a_name_of_255_is_longer_than_any_name_and_one_of_253_is_not()
    {
        string label = new('a', 63);
        string longest = string.Join('.', label, label, label, new string('a', 61));
        await using Socks5Proxy proxy = new();
        await using TestClient client = await proxy.GreetAsync();
        await client.SayAsync([5, 1, 0, 3, 253, .. Encoding.ASCII.GetBytes(longest), 1, 187]);
        Assert.Equal(new DnsEndPoint(longest, 443), (await proxy.World.NextAsync()).Target);
        await using TestClient other = await proxy.GreetAsync();
        await other.SayAsync([5, 1, 0, 3, 255, .. Encoding.ASCII.GetBytes(longest + "aa"), 1, 187]);
        Assert.Equal(Socks5Proxy.Refusal(1), await other.HearAllAsync());
    }

    [Fact]
    public async Task IPv4_in_IPv6_is_IPv4_whatever_its_spelling()
    {
        await using Socks5Proxy proxy = new();
        await using TestClient client = await proxy.GreetAsync();
        await client.SayAsync([5, 1, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1, 0, 80]);
        Assert.Equal(IPEndPoint.Parse("127.0.0.1:80"), (await proxy.World.NextAsync()).Target);
    }

    [Theory]
    [InlineData(new byte[] { 5, 1, 0, 9, 1, 2, 3, 4, 0, 80 }, 8)]
    [InlineData(new byte[] { 5, 9, 0, 1, 1, 2, 3, 4, 0, 80 }, 7)]
    [InlineData(new byte[] { 5, 2, 0, 1, 1, 2, 3, 4, 0, 80 }, 7)]
    [InlineData(new byte[] { 5, 3, 0, 1, 0, 0, 0, 0, 0, 0 }, 7)]
    [InlineData(new byte[] { 5, 1, 0, 1, 1, 2, 3, 4, 0, 0 }, 1)]
    public async Task What_is_not_served_has_its_code(byte[] request, byte code)
    {
        await using Socks5Proxy proxy = new();
        await using TestClient client = await proxy.GreetAsync();
        await client.SayAsync(request);
        Assert.Equal(Socks5Proxy.Refusal(code), await client.HearAllAsync());
    }

    [Theory]
    [InlineData(new byte[] { 4, 1, 0, 80, 1, 2, 3, 4, 0 })]
    [InlineData(new byte[] { 5, 0 })]
    [InlineData(new byte[] { (byte)'G', (byte)'E', (byte)'T', (byte)' ', (byte)'/' })]
    [InlineData(new byte[] { 5, 1, 0, 5, 1, 1, 1, 1, 2, 3, 4, 0, 80 })]
    public async Task What_is_not_the_protocol_is_dropped(byte[] bytes)
    {
        await using Socks5Proxy proxy = new();
        await using TestClient client = proxy.Clients.Connect();
        await client.SayAsync(bytes);
        await client.AssertResetAsync();
        Assert.Equal(1, proxy.Listener.Incidents[ProxyIncident.Malformed]);
    }
}
