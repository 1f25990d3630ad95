using System.Net;
using System.Net.Sockets;
using System.Text;
using Ginnel.Tests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Ginnel.AspNetCore.Tests;

/// <summary>Requests that end before their time, from either side, and servers that stop.</summary>
public sealed class ServerLifetimeTests
{
    private static readonly byte[] Question = Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: a\r\n\r\n");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("reset")]
    [InlineData("fin")]
    [InlineData("cancel")]
    public async Task A_client_that_goes_away_aborts_its_request(string way)
    {
        TaskCompletionSource begun = NewSource(), aborted = NewSource();
        await using KestrelServer server = await KestrelServer.StartAsync(app => app.MapGet("/", async (HttpContext context) =>
        {
            context.RequestAborted.Register(aborted.SetResult);
            begun.SetResult();
            await aborted.Task;
        }));
        if (way == "cancel")
        {
            using CancellationTokenSource cancel = new();
            Task<string> asking = server.Client.GetStringAsync("/", cancel.Token);
            await begun.Task.WaitAsync(Token);
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
        }
        else
        {
            TcpStream client = await server.ConnectAsync();
            await client.WriteAsync(Question, Token);
            await begun.Task.WaitAsync(Token);
            if (way == "reset") client.Abort();
            client.Dispose();
        }
        await aborted.Task.WaitAsync(Token);
    }

    [Fact]
    public async Task A_server_that_aborts_resets_its_client()
    {
        await using KestrelServer server = await KestrelServer.StartAsync(app => app.MapGet("/", async (HttpContext context) =>
        {
            await context.Response.Body.WriteAsync("half"u8.ToArray());
            await context.Response.Body.FlushAsync();
            context.Abort();
        }));
        using TcpStream client = await server.ConnectAsync();
        await client.WriteAsync(Question, Token);
        IOException broken = await Assert.ThrowsAsync<IOException>(() => client.CopyToAsync(Stream.Null, Token));
        Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(broken.InnerException).SocketErrorCode);
        await Assert.ThrowsAsync<HttpRequestException>(() => server.Client.GetStringAsync("/", Token));
    }

    [Fact]
    public async Task A_client_that_closed_its_direction_is_answered_where_that_is_allowed()
    {
        TaskCompletionSource begun = NewSource(), go = NewSource();
        await using KestrelServer server = await KestrelServer.StartAsync(
            app => app.MapGet("/", async (HttpContext context) =>
            {
                begun.SetResult();
                await go.Task;
                await context.Response.WriteAsync($"aborted: {context.RequestAborted.IsCancellationRequested}");
            }),
            options: new NetworkHostTransportOptions { AllowHalfClose = true });
        using TcpStream client = await server.ConnectAsync();
        await client.WriteAsync(Question, Token);
        await client.CompleteWritesAsync(Token);
        await begun.Task.WaitAsync(Token);
        go.SetResult();
        using StreamReader reader = new(client);
        Assert.Contains("aborted: False", await reader.ReadToEndAsync(Token));
    }

    [Fact]
    public async Task A_server_that_stops_lets_its_requests_finish_and_takes_no_more()
    {
        TaskCompletionSource begun = NewSource(), go = NewSource();
        await using KestrelServer server = await KestrelServer.StartAsync(app =>
        {
            app.MapGet("/", () => "idle");
            app.MapGet("/slow", async () =>
            {
                begun.SetResult();
                await go.Task;
                return "finished";
            });
        });
        // A connection that only waits must not hold the server up.
        using HttpClient idle = server.CreateClient();
        Assert.Equal("idle", await idle.GetStringAsync("/", Token));
        Task<string> asking = server.Client.GetStringAsync("/slow", Token);
        await begun.Task.WaitAsync(Token);
        Task stopping = server.App.StopAsync(Token);
        SocketException refused;
        do
        {
            // Unbinding is the first step of stopping; until then one may still get in, to be closed.
            refused = await ConnectUntilRefusedAsync(server.Network);
        }
        while (refused.SocketErrorCode != SocketError.ConnectionRefused);
        Assert.False(stopping.IsCompleted);
        go.SetResult();
        Assert.Equal("finished", await asking);
        await stopping.WaitAsync(Token);
    }

    [Fact]
    public async Task A_server_out_of_patience_resets_what_is_left()
    {
        TaskCompletionSource begun = NewSource(), aborted = NewSource();
        await using KestrelServer server = await KestrelServer.StartAsync(app => app.MapGet("/", async (HttpContext context) =>
        {
            context.RequestAborted.Register(aborted.SetResult);
            begun.SetResult();
            await aborted.Task;
        }));
        Task<string> asking = server.Client.GetStringAsync("/", Token);
        await begun.Task.WaitAsync(Token);
        using CancellationTokenSource patience = new();
        Task stopping = server.App.StopAsync(patience.Token);
        await patience.CancelAsync();
        await aborted.Task.WaitAsync(Token);
        await Assert.ThrowsAsync<HttpRequestException>(() => asking);
        await stopping.WaitAsync(Token);
    }

    [Fact]
    public async Task A_server_that_has_stopped_leaves_its_port_to_the_next()
    {
        await using TestNetwork network = new();
        for (int round = 0; round < 3; round++)
        {
            string said = $"round {round}";
            KestrelServer server = await KestrelServer.StartAsync(app => app.MapGet("/", () => said), network: network);
            Assert.Equal(said, await server.Client.GetStringAsync("/", Token));
            server.Client.Dispose();
            await server.App.DisposeAsync();
        }
    }

    private static async Task<SocketException> ConnectUntilRefusedAsync(TestNetwork network)
    {
        while (true)
        {
            try
            {
                (await network.Client.ConnectAsync(new IPEndPoint(IPAddress.Parse("10.0.0.2"), 80), Token)).Dispose();
            }
            catch (SocketException refused)
            {
                return refused;
            }
        }
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
