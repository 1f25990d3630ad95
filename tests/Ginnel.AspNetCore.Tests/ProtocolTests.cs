using System.Net;
using System.Net.Security;
using System.Net.WebSockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Ginnel.AspNetCore.Tests;

/// <summary>What is spoken above the transport: HTTP/2, TLS, WebSockets.</summary>
public sealed class ProtocolTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task HTTP2_is_spoken_to_those_who_know_it_many_requests_on_one_connection()
    {
        await using KestrelServer server = await KestrelServer.StartAsync(
            app => app.MapGet("/{number}", (int number, HttpContext context) => $"{number} {context.Request.Protocol} {Transport(context)}"),
            listen => listen.Protocols = HttpProtocols.Http2);
        using HttpClient client = server.CreateClient();
        ExactVersion(client, HttpVersion.Version20);
        string first = await client.GetStringAsync("/0", Token);
        string connection = first.Split(' ')[^1];
        string[] answers = await Task.WhenAll(Enumerable.Range(1, 90).Select(number => client.GetStringAsync($"/{number}", Token)));
        Assert.Equal(Enumerable.Range(1, 90).Select(number => $"{number} HTTP/2 {connection}"), answers);
    }

    [Fact]
    public async Task Ten_mebibytes_go_both_ways_at_once_in_one_request_of_HTTP2()
    {
        await using KestrelServer server = await KestrelServer.StartAsync(
            app => app.MapPost("/", (HttpContext context) => context.Request.Body.CopyToAsync(context.Response.Body, context.RequestAborted)),
            listen => listen.Protocols = HttpProtocols.Http2);
        using HttpClient client = server.CreateClient();
        byte[] sent = RandomNumberGenerator.GetBytes(10 << 20);
        using HttpRequestMessage request = new(HttpMethod.Post, "/")
        {
            Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new UnhurriedContent(sent),
        };
        using HttpResponseMessage answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token);
        Assert.Equal(SHA256.HashData(sent), SHA256.HashData(await answer.Content.ReadAsByteArrayAsync(Token)));
    }

    [Theory]
    [InlineData("1.1", "HTTP/1.1")]
    [InlineData("2.0", "HTTP/2")]
    public async Task TLS_carries_the_version_that_both_agree_on(string version, string spoken)
    {
        using X509Certificate2 certificate = SelfSigned("site.example");
        await using KestrelServer server = await KestrelServer.StartAsync(
            app => app.MapGet("/", (HttpContext context) => $"{context.Request.Scheme} {context.Request.Protocol} {context.Features.Get<ITlsHandshakeFeature>()!.Protocol >= SslProtocols.Tls12}"),
            listen => listen.UseHttps(certificate));
        Assert.Equal("https://10.0.0.2:80", Assert.Single(server.Addresses));
        string? shown = null;
        using HttpClient client = server.CreateClient(handler => handler.SslOptions = new SslClientAuthenticationOptions
        {
            RemoteCertificateValidationCallback = (_, presented, _, _) =>
            {
                shown = presented?.GetCertHashString();
                return true;
            },
        });
        ExactVersion(client, Version.Parse(version));
        Assert.Equal($"https {spoken} True", await client.GetStringAsync("/", Token));
        Assert.Equal(certificate.GetCertHashString(), shown);
    }

    [Fact]
    public async Task A_WebSocket_echoes_and_closes()
    {
        await using KestrelServer server = await KestrelServer.StartAsync(app =>
        {
            app.UseWebSockets();
            app.Map("/echo", EchoAsync);
        });
        using ClientWebSocket socket = new();
        using HttpMessageInvoker invoker = new(server.Network.Client.CreateHandler());
        await socket.ConnectAsync(new Uri("ws://10.0.0.2/echo"), invoker, Token);
        byte[] buffer = new byte[100_000];
        foreach (int length in (int[])[0, 1, 125, 126, 65_535, 65_536, 100_000])
        {
            byte[] message = RandomNumberGenerator.GetBytes(length);
            await socket.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, Token);
            int received = 0;
            ValueWebSocketReceiveResult part;
            do
            {
                part = await socket.ReceiveAsync(buffer.AsMemory(received), Token);
                received += part.Count;
            }
            while (!part.EndOfMessage);
            Assert.Equal(message, buffer[..received]);
        }
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "done", Token);
        Assert.Equal(WebSocketCloseStatus.NormalClosure, socket.CloseStatus);
    }

    private static async Task EchoAsync(HttpContext context)
    {
        using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
        byte[] buffer = new byte[8_192];
        while (true)
        {
            ValueWebSocketReceiveResult part = await socket.ReceiveAsync(buffer.AsMemory(), context.RequestAborted);
            if (part.MessageType == WebSocketMessageType.Close) break;
            await socket.SendAsync(buffer.AsMemory(0, part.Count), part.MessageType, part.EndOfMessage, context.RequestAborted);
        }
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "", context.RequestAborted);
    }

    /// <summary>Content that may still be on its way when the answer begins; the ordinary ones are sent first.</summary>
    private sealed class UnhurriedContent(byte[] bytes) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => stream.WriteAsync(bytes).AsTask();

        protected override bool TryComputeLength(out long length)
        {
            length = bytes.Length;
            return true;
        }
    }

    private static string Transport(HttpContext context) => context.Features.Get<IConnectionIdFeature>()?.ConnectionId ?? context.Connection.Id;

    private static void ExactVersion(HttpClient client, Version version) =>
        (client.DefaultRequestVersion, client.DefaultVersionPolicy) = (version, HttpVersionPolicy.RequestVersionExact);

    internal static X509Certificate2 SelfSigned(string name)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new($"CN={name}", key, HashAlgorithmName.SHA256);
        using X509Certificate2 made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }
}
