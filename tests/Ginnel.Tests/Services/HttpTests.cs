using System.Net;
using System.Text;
using Ginnel.Services.Http;
using Ginnel.Services.Status;

namespace Ginnel.Tests;

/// <summary>The small HTTP server: what it takes, what it refuses, and the three forms of the status page.</summary>
public sealed class HttpTests
{
    private static int Read(string request, out HttpRequestHead head) => HttpRequestHead.Read(Encoding.Latin1.GetBytes(request), out head);

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: ginnel.internal\r\n\r\n", 0)]
    [InlineData("GET / HTTP/1.0\n\n", 0)]
    [InlineData("GET / HTTP/1.1\r\n\r\n", 400)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400)]
    [InlineData("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505)]
    [InlineData("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400)]
    [InlineData("GET /\r\n\r\n", 400)]
    [InlineData("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", 400)]
    [InlineData("G\0T / HTTP/1.1\r\nHost: a\r\n\r\n", 400)]
    [InlineData("GET ftp://x/ HTTP/1.1\r\nHost: a\r\n\r\n", 400)]
    [InlineData("", 400)]
    [InlineData("\r\n\r\n", 400)]
    public void HeadsAreTakenOrRefusedByTheirStatus(string request, int status) => Assert.Equal(status, Read(request, out _));

    [Fact]
    public void TooManyFieldsAreRefused()
    {
        string many = string.Concat(Enumerable.Range(0, HttpRequestHead.MaxFields + 1).Select(i => $"X-{i}: y\r\n"));
        Assert.Equal(431, Read($"GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n", out _));
    }

    [Fact]
    public void TheAbsoluteFormsHostCounts()
    {
        Assert.Equal(0, Read("GET http://GINNEL.internal:80/json?x=1 HTTP/1.1\r\nHost: evil.example\r\nAccept: text/html\r\nAccept: */*\r\n\r\n", out HttpRequestHead head));
        Assert.Equal(("GET", "/json", "ginnel.internal", "text/html, */*"), (head.Method, head.Path, head.Host, head.Accept));
    }

    [Theory]
    [InlineData("ginnel.internal", "/", "", 200, "text/plain")]
    [InlineData("10.0.2.2", "/", "*/*", 200, "text/plain")]
    [InlineData("[fd00:2::2]", "/", "text/html,application/xhtml+xml", 200, "text/html")]
    [InlineData("ginnel.internal", "/", "application/json", 200, "application/json")]
    [InlineData("ginnel.internal", "/json", "", 200, "application/json")]
    [InlineData("ginnel.internal", "/etc/passwd", "", 404, "text/plain")]
    [InlineData("rebound.example", "/", "", 421, "text/plain")]
    public void ThePageHasThreeForms(string host, string path, string accept, int status, string type)
    {
        HttpAnswer answer = new StatusPage(Snapshot).Answer(new HttpRequestHead("GET", path, host, accept, false));
        Assert.Equal(status, answer.Status);
        Assert.StartsWith(type, answer.ContentType);
        if (status == 200) Assert.Contains("10.0.2.100", Encoding.UTF8.GetString(answer.Body));
    }

    [Fact]
    public void NamesFromTheNetworkDoNoHarm()
    {
        StatusPage page = new(Snapshot);
        string html = Encoding.UTF8.GetString(page.Answer(new HttpRequestHead("GET", "/", "", "text/html", false)).Body);
        Assert.DoesNotContain("<script>", html);
        string text = Encoding.UTF8.GetString(page.Answer(new HttpRequestHead("GET", "/", "", "", false)).Body);
        Assert.DoesNotContain("\u001b", text);
    }

    private static StatusSnapshot Snapshot() => new()
    {
        Version = "ginnel test",
        Uptime = TimeSpan.FromSeconds(90),
        Network = [new StatusLine("addresses", "Addresses", ["10.0.2.100/24"])],
        Flows = [new StatusFlow(1, "tcp", "10.0.2.100:5", "192.0.2.1:80", "<script>\u001b[31m.example", 1500, 3 << 20, TimeSpan.FromMilliseconds(1234))],
    };

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 200 OK\r\n", "hello")]
    [InlineData("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 200 OK\r\n", "\r\n\r\n")]
    [InlineData("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 405 ", "\n")]
    [InlineData("nonsense\r\n\r\n", "HTTP/1.1 400 ", "\n")]
    public async Task TheServerAnswersOverTheStack(string request, string begins, string ends)
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        await using TestNetwork network = new();
        await using StackListener listener = network.Server.Listen(TestNetwork.ServerEnd(80));
        using CancellationTokenSource stop = new();
        Task serving = new HttpServer(listener, _ => new HttpAnswer(200, "text/plain", "hello"u8.ToArray()), network.Time).RunAsync(stop.Token);
        await using (TcpStream stream = await network.Client.ConnectAsync(TestNetwork.ServerEnd(80), cancel))
        {
            // A byte at a time: a head may arrive in any pieces.
            foreach (char letter in request) await stream.WriteAsync(new[] { (byte)letter }, cancel);
            await stream.CompleteWritesAsync(cancel);
            using StreamReader reader = new(stream, Encoding.Latin1);
            string answer = await reader.ReadToEndAsync(cancel);
            Assert.StartsWith(begins, answer);
            Assert.EndsWith(ends, answer);
        }
        await stop.CancelAsync();
        await serving;
    }

    [Fact]
    public async Task AHeadThatIsTooLongIsRefused()
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        await using TestNetwork network = new();
        await using StackListener listener = network.Server.Listen(TestNetwork.ServerEnd(80));
        using CancellationTokenSource stop = new();
        Task serving = new HttpServer(listener, _ => default, network.Time).RunAsync(stop.Token);
        await using (TcpStream stream = await network.Client.ConnectAsync(TestNetwork.ServerEnd(80), cancel))
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nX: " + new string('y', HttpServer.MaxHead)), cancel);
            await stream.CompleteWritesAsync(cancel);
            using StreamReader reader = new(stream, Encoding.Latin1);
            Assert.StartsWith("HTTP/1.1 431 ", await reader.ReadToEndAsync(cancel));
        }
        await stop.CancelAsync();
        await serving;
    }
}
