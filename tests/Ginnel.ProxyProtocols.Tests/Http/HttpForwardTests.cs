using System.Net;

namespace Ginnel.ProxyProtocols.Tests.Http;

public sealed class HttpForwardTests
{
    [Fact]
    public async Task G5_a_request_is_sent_on_in_origin_form_without_what_was_for_the_proxy()
    {
        await using HttpTestProxy proxy = new();
        await using TestClient client = proxy.Clients.Connect();
        await client.SayAsync("GET http://Example.org:8080/a?b HTTP/1.1\r\nHost: other.example\r\nProxy-Authorization: Basic eDp5\r\nProxy-Connection: keep-alive\r\n"
            + "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nTrailer: X\r\nUpgrade: h2c\r\nVia: 1.1 before\r\nX-End: stays\r\n\r\n");
        (EndPoint target, FlowInfo flow, TestClient server) = await proxy.World.NextAsync();
        Assert.Equal("Unspecified/Example.org:8080", target.ToString());
        Assert.Equal(client.Stream.LocalEndPoint, flow.Source);
        Assert.Equal("GET /a?b HTTP/1.1\r\nHost: Example.org:8080\r\nVia: 1.1 before\r\nX-End: stays\r\nVia: 1.1 here\r\n\r\n", await server.HearHeadAsync());
        await server.SayAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: X-Hop\r\nX-Hop: 1\r\nX-End: stays\r\n\r\nhi");
        Assert.Equal("HTTP/1.1 200 OK\r\nX-End: stays\r\nContent-Length: 2\r\nVia: 1.1 here\r\n\r\n", await client.HearHeadAsync());
        Assert.Equal("hi"u8.ToArray(), await client.HearAsync(2));
    }

    [Fact]
    public async Task Several_requests_to_several_hosts_go_over_one_connection()
    {
        await using HttpTestProxy proxy = new();
        await using TestClient client = proxy.Clients.Connect();
        // Two at once: the second waits for its turn.
        await client.SayAsync("GET http://a/1 HTTP/1.1\r\nHost: a\r\n\r\nGET http://a/2 HTTP/1.1\r\nHost: a\r\n\r\n");
        (_, _, TestClient a) = await proxy.World.NextAsync();
        Assert.StartsWith("GET /1 ", await a.HearHeadAsync());
        await a.SayAsync("HTTP/1.1 204 No Content\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 204 ", await client.HearHeadAsync());
        Assert.StartsWith("GET /2 ", await a.HearHeadAsync());
        await a.SayAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nX-Trailer: t\r\n\r\n");
        Assert.Contains("Transfer-Encoding: chunked\r\n", await client.HearHeadAsync());
        Assert.Equal("3\r\nabc\r\n0\r\n\r\n"u8.ToArray(), await client.HearAsync(13));
        await client.SayAsync("POST http://b/3 HTTP/1.1\r\nHost: b\r\nContent-Length: 4\r\n\r\nbody");
        (EndPoint target, _, TestClient b) = await proxy.World.NextAsync();
        Assert.Equal(new DnsEndPoint("b", 80), target);
        Assert.Contains("Content-Length: 4\r\n", await b.HearHeadAsync());
        Assert.Equal("body"u8.ToArray(), await b.HearAsync(4));
        await b.SayAsync("HTTP/1.1 200 OK\r\n\r\nto the end");
        await b.Stream.CompleteWritesAsync(TestContext.Current.CancellationToken);
        Assert.Contains("Connection: close\r\n", await client.HearHeadAsync());
        Assert.Equal("to the end", await client.HearTextAsync());
    }

    [Fact]
    public async Task A_kept_connection_that_the_server_closed_is_dialled_again()
    {
        await using HttpTestProxy proxy = new();
        await using TestClient client = proxy.Clients.Connect();
        for (int i = 0; i < 3; i++)
        {
            await client.SayAsync("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n");
            (_, _, TestClient server) = await proxy.World.NextAsync();
            await server.HearHeadAsync();
            await server.SayAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            await client.HearHeadAsync();
            await server.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_chunked_body_goes_up_while_interim_answers_come_down()
    {
        await using HttpTestProxy proxy = new();
        await using TestClient client = proxy.Clients.Connect();
        await client.SayAsync("POST http://a/ HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n");
        (_, _, TestClient server) = await proxy.World.NextAsync();
        Assert.Contains("Transfer-Encoding: chunked\r\n", await server.HearHeadAsync());
        await server.SayAsync("HTTP/1.1 100 Continue\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 100 ", await client.HearHeadAsync());
        await client.SayAsync("5\r\nhello\r\n0\r\n\r\n");
        Assert.Equal("5\r\nhello\r\n0\r\n\r\n"u8.ToArray(), await server.HearAsync(15));
        await server.SayAsync("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!");
        await client.HearHeadAsync();
        Assert.Equal("!"u8.ToArray(), await client.HearAsync(1));
    }

    [Theory]
    [InlineData("Content-Length: 5\r\nTransfer-Encoding: chunked", 400)]
    [InlineData("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400)]
    [InlineData("Transfer-Encoding: gzip, chunked", 501)]
    [InlineData("Transfer-Encoding: xchunked", 501)]
    [InlineData("Content-Length: 5\r\nContent-Length: 6", 400)]
    [InlineData("Content-Length: 5, 6", 400)]
    [InlineData("Content-Length: +5", 400)]
    [InlineData("Content-Length: -1", 400)]
    [InlineData("Content-Length:", 400)]
    [InlineData("Content-Length: 5,", 400)]
    [InlineData("Content-Length: 99999999999999999999", 400)]
    [InlineData("Content-Length : 5", 400)]
    [InlineData("X: a\r\n folded", 400)]
    [InlineData("X: a\rb", 400)]
    [InlineData("X: a\nY: b", 400)]
    [InlineData("X: a\0b", 400)]
    [InlineData(": no name", 400)]
    [InlineData("no colon", 400)]
    public async Task G5_what_two_servers_could_read_differently_is_refused(string fields, int status)
    {
        await using HttpTestProxy proxy = new();
        Assert.StartsWith($"HTTP/1.1 {status} ", await proxy.AskAsync($"POST http://a/ HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\nhello"));
        Assert.True(proxy.World.IsQuiet);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")]
    [InlineData("HTTP/1.1 407 Give me your proxy's password\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX : y\r\n\r\n")]
    [InlineData("SSH-2.0-OpenSSH\r\n\r\n")]
    [InlineData("")]
    public async Task G5_an_answer_that_cannot_be_forwarded_is_a_bad_gateway(string answer)
    {
        await using HttpTestProxy proxy = new();
        await using TestClient client = proxy.Clients.Connect();
        await client.SayAsync("POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
        (_, _, TestClient server) = await proxy.World.NextAsync();
        await server.HearHeadAsync();
        await server.SayAsync(answer);
        await server.Stream.CompleteWritesAsync(TestContext.Current.CancellationToken);
        Assert.StartsWith("HTTP/1.1 502 ", await client.HearTextAsync());
    }

    [Fact]
    public async Task G5_an_answer_that_was_cut_does_not_look_whole()
    {
        await using HttpTestProxy proxy = new();
        await using TestClient client = proxy.Clients.Connect();
        await client.SayAsync("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n");
        (_, _, TestClient server) = await proxy.World.NextAsync();
        await server.HearHeadAsync();
        await server.SayAsync("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
        await server.Stream.CompleteWritesAsync(TestContext.Current.CancellationToken);
        await client.AssertResetAsync();
    }

    [Fact]
    public async Task G6_a_request_that_has_passed_here_is_a_loop()
    {
        await using HttpTestProxy proxy = new();
        Assert.StartsWith("HTTP/1.1 508 ", await proxy.AskAsync("GET http://a/ HTTP/1.1\r\nHost: a\r\nVia: 1.1 x, 1.1 HERE (comment)\r\n\r\n"));
        Assert.True(proxy.World.IsQuiet);
    }

    [Theory]
    [InlineData("GET https://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400)]
    [InlineData("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400)]
    [InlineData("GET http://u:p@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400)]
    [InlineData("GET http://a/#f HTTP/1.1\r\nHost: a\r\n\r\n", 400)]
    [InlineData("GET http://a/ HTTP/2.0\r\nHost: a\r\n\r\n", 505)]
    [InlineData("GET http://a/ b HTTP/1.1\r\nHost: a\r\n\r\n", 400)]
    [InlineData("TRACE http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 405)]
    [InlineData("OPTIONS http://a HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n", 200)]
    public async Task What_is_not_forwarded_has_its_status(string request, int status)
    {
        await using HttpTestProxy proxy = new();
        Assert.StartsWith($"HTTP/1.1 {status} ", await proxy.AskAsync(request));
        Assert.True(proxy.World.IsQuiet);
    }

    [Fact]
    public async Task A_refused_dial_is_named()
    {
        await using HttpTestProxy proxy = new();
        proxy.World.Answer = (_, _) => Task.FromResult(new DialFailure(DialFailureKind.Refused));
        string answer = await proxy.AskAsync("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 502 ", answer);
        Assert.Contains("error=connection_refused", answer);
    }
}
