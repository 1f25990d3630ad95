using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Ginnel.AspNetCore.Tests;

/// <summary>HTTP/1.1 as an application sees it.</summary>
public sealed class RequestTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_request_is_answered_and_both_ends_know_who_the_other_is()
    {
        await using KestrelServer server = await KestrelServer.StartAsync(app => app.MapGet("/", (HttpContext context) =>
            $"{context.Connection.RemoteIpAddress} asked {context.Connection.LocalIpAddress}:{context.Connection.LocalPort}"));
        Assert.Equal("10.0.0.1 asked 10.0.0.2:80", await server.Client.GetStringAsync("/", Token));
    }

    [Fact]
    public async Task Ten_mebibytes_go_up_and_come_down()
    {
        byte[] sent = RandomNumberGenerator.GetBytes(10 << 20);
        await using KestrelServer server = await KestrelServer.StartAsync(app => app.MapPost("/echo", async (HttpContext context) =>
        {
            // Kept whole: a client of HTTP/1.1 reads the answer when it has sent everything.
            using MemoryStream body = new();
            await context.Request.Body.CopyToAsync(body, context.RequestAborted);
            await context.Response.Body.WriteAsync(body.GetBuffer().AsMemory(0, (int)body.Length), context.RequestAborted);
        }));
        using HttpResponseMessage answer = await server.Client.PostAsync("/echo", new ByteArrayContent(sent), Token);
        byte[] received = await answer.Content.ReadAsByteArrayAsync(Token);
        Assert.Equal(SHA256.HashData(sent), SHA256.HashData(received));
    }

    [Fact]
    public async Task A_hundred_requests_at_once_are_all_answered()
    {
        using CountdownEvent waiting = new(100);
        TaskCompletionSource all = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using KestrelServer server = await KestrelServer.StartAsync(app => app.MapGet("/{number}", async (int number) =>
        {
            // None is answered before all have come, so that each has a connection of its own.
            if (waiting.Signal()) all.SetResult();
            await all.Task;
            return number * number;
        }));
        string[] answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(number => server.Client.GetStringAsync($"/{number}", Token)));
        Assert.Equal(Enumerable.Range(0, 100).Select(number => $"{number * number}"), answers);
    }

    [Fact]
    public async Task A_connection_serves_many_requests()
    {
        await using KestrelServer server = await KestrelServer.StartAsync(app => app.MapGet("/", (HttpContext context) => context.Connection.Id));
        HashSet<string> connections = [];
        for (int i = 0; i < 50; i++) connections.Add(await server.Client.GetStringAsync("/", Token));
        Assert.Single(connections);
    }
}
