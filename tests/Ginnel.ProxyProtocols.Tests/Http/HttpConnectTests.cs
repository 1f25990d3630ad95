using System.Net;

namespace Ginnel.ProxyProtocols.Tests.Http;

public sealed class HttpConnectTests
{
    private const string Connect = "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n";

    [Fact]
    public async Task Connect_opens_a_tunnel_and_early_bytes_are_not_lost()
    {
        await using HttpTestProxy proxy = new();
        await using TestClient client = proxy.Clients.Connect();
        await client.SayAsync(Connect + "early");
        (EndPoint target, _, TestClient server) = await proxy.World.NextAsync();
        Assert.Equal(new DnsEndPoint("example.org", 443), target);
        Assert.Equal("HTTP/1.1 200 Connection established\r\n\r\n", await client.HearHeadAsync());
        Assert.Equal("early"u8.ToArray(), await server.HearAsync(5));
        await server.SayAsync("back");
        Assert.Equal("back"u8.ToArray(), await client.HearAsync(4));
    }

    [Theory]
    [InlineData(DialFailureKind.Refused, 502, "connection refused")]
    [InlineData(DialFailureKind.Denied, 403, "denied")]
    [InlineData(DialFailureKind.TimedOut, 504, "timed out")]
    [InlineData(DialFailureKind.Limit, 503, "limit reached")]
    [InlineData(DialFailureKind.NameNotFound, 502, "name not found")]
    public async Task Each_failure_has_its_status_and_is_named(DialFailureKind kind, int status, string named)
    {
        await using HttpTestProxy proxy = new();
        proxy.World.Answer = (_, _) => Task.FromResult(new DialFailure(kind));
        string answer = await proxy.AskAsync(Connect);
        Assert.StartsWith($"HTTP/1.1 {status} ", answer);
        Assert.Contains(named, answer);
        Assert.Contains("Connection: close", answer);
    }

    [Theory]
    [InlineData("CONNECT example.org HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("CONNECT example.org: HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("CONNECT example.org:0 HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("CONNECT example.org:65536 HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("CONNECT ::1:443 HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("CONNECT [::1%25lo]:443 HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("CONNECT user@example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("CONNECT http://example.org/ HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("CONNECT example.org:443 HTTP/1.1\r\n\r\n")]
    [InlineData("CONNECT example.org:443 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")]
    public async Task G4_a_malformed_target_is_refused(string request)
    {
        await using HttpTestProxy proxy = new();
        Assert.StartsWith("HTTP/1.1 400 ", await proxy.AskAsync(request));
        Assert.True(proxy.World.IsQuiet);
    }

    [Fact]
    public async Task G4_IPv6_stands_in_brackets()
    {
        await using HttpTestProxy proxy = new();
        await using TestClient client = proxy.Clients.Connect();
        await client.SayAsync("CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: x\r\n\r\n");
        Assert.Equal(IPEndPoint.Parse("[2001:db8::1]:443"), (await proxy.World.NextAsync()).Target);
    }

    [Theory]
    [InlineData("Content-Length: 5")]
    [InlineData("Transfer-Encoding: chunked")]
    public async Task G5_connect_with_a_body_is_refused(string field)
    {
        await using HttpTestProxy proxy = new();
        Assert.StartsWith("HTTP/1.1 400 ", await proxy.AskAsync($"CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n{field}\r\n\r\nhello"));
        Assert.True(proxy.World.IsQuiet);
    }

    [Fact]
    public async Task G6_connect_to_a_port_that_is_not_allowed_is_forbidden()
    {
        await using HttpTestProxy proxy = new(time => new HttpProxyOptions { Time = time, AllowedConnectPorts = port => port == 443 });
        Assert.StartsWith("HTTP/1.1 403 ", await proxy.AskAsync("CONNECT example.org:25 HTTP/1.1\r\nHost: x\r\n\r\n"));
        Assert.Equal(1, proxy.Listener.Incidents[ProxyIncident.Forbidden]);
        Assert.True(proxy.World.IsQuiet);
        await using TestClient client = proxy.Clients.Connect();
        await client.SayAsync(Connect);
        await proxy.World.NextAsync();
    }

    [Fact]
    public async Task G6_connect_to_the_proxy_itself_is_a_loop()
    {
        await using HttpTestProxy proxy = new();
        Assert.StartsWith("HTTP/1.1 508 ", await proxy.AskAsync("CONNECT 192.0.2.1:1080 HTTP/1.1\r\nHost: x\r\n\r\n"));
        Assert.StartsWith("HTTP/1.1 508 ", await proxy.AskAsync("GET http://192.0.2.1:1080/ HTTP/1.1\r\nHost: x\r\n\r\n"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("Proxy-Authorization: Basic dXNlcjp3cm9uZw==\r\n")]
    [InlineData("Proxy-Authorization: Bearer dXNlcjpzZWNyZXQ=\r\n")]
    [InlineData("Proxy-Authorization: Basic !!!!\r\n")]
    [InlineData("Proxy-Authorization: Basic\r\n")]
    [InlineData("Authorization: Basic dXNlcjpzZWNyZXQ=\r\n")]
    [InlineData("Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\nProxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n")]
    public async Task G3_without_the_credentials_nothing_is_dialled(string field)
    {
        await using HttpTestProxy proxy = new(time => new HttpProxyOptions { Time = time, Credentials = new ProxyCredentials("user", "secret") });
        foreach (string line in new[] { "CONNECT example.org:443 HTTP/1.1", "GET http://example.org/ HTTP/1.1" })
        {
            string answer = await proxy.AskAsync($"{line}\r\nHost: example.org\r\n{field}\r\n");
            Assert.StartsWith("HTTP/1.1 407 ", answer);
            Assert.Contains("Proxy-Authenticate: Basic realm=\"ginnel\"", answer);
        }
        Assert.True(proxy.World.IsQuiet);
    }

    [Fact]
    public async Task With_the_credentials_the_tunnel_opens()
    {
        await using HttpTestProxy proxy = new(time => new HttpProxyOptions { Time = time, Credentials = new ProxyCredentials("user", "secret") });
        await using TestClient client = proxy.Clients.Connect();
        await client.SayAsync("CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: basic dXNlcjpzZWNyZXQ=\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 ", await client.HearHeadAsync());
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: 192.0.2.1:1080\r\nOrigin: http://evil.example\r\n\r\n")]
    [InlineData("POST /api HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 2\r\n\r\nhi")]
    [InlineData("OPTIONS * HTTP/1.1\r\nHost: evil.example\r\n\r\n")]
    public async Task G10_what_a_page_sends_to_the_proxy_itself_is_never_acted_on(string request)
    {
        await using HttpTestProxy proxy = new();
        string answer = await proxy.AskAsync(request);
        Assert.StartsWith("HTTP/1.1 400 ", answer);
        Assert.DoesNotContain("Access-Control", answer);
        Assert.True(proxy.World.IsQuiet);
    }

    [Fact]
    public async Task A_head_that_never_ends_is_refused_at_its_limit()
    {
        await using HttpTestProxy proxy = new(time => new HttpProxyOptions { Time = time, MaxHead = 1_024 });
        Assert.StartsWith("HTTP/1.1 431 ", await proxy.AskAsync("GET http://example.org/ HTTP/1.1\r\nHost: x\r\nX: " + new string('x', 2_000)));
    }

    [Fact]
    public async Task A_slow_head_is_cut_in_time()
    {
        await using HttpTestProxy proxy = new();
        await using TestClient client = proxy.Clients.Connect();
        await client.SayAsync("CONNECT example.org:443 HTTP/1.1\r\n");
        await Socks5.Socks5Proxy.UntilAsync(() => proxy.Listener.HandshakeCount == 1);
        await Socks5.Socks5Proxy.UntilAsync(() =>
        {
            proxy.Time.Advance(TimeSpan.FromSeconds(10));
            return proxy.Listener.Incidents[ProxyIncident.HandshakeTimedOut] == 1;
        });
        await client.AssertResetAsync();
    }
}
