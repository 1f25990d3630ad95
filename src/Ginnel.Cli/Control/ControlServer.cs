using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Ginnel.Proxy;
using Ginnel.Proxy.Control;
using Ginnel.Proxy.Operating;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;

namespace Ginnel.Cli.Control;

/// <summary>A proxy's control as HTTP and JSON on a Unix socket; docs/control-api.md describes it.</summary>
internal static class ControlServer
{
    private const int MaxBody = 1 << 20, MaxConnections = 64;

    /// <summary>Serves until it is stopped.</summary>
    /// <exception cref="IOException">The socket cannot be opened.</exception>
    public static async Task<WebApplication> StartAsync(string path, ProxyControl control, ProxyHealth health)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = "/" });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MaxBody;
            kestrel.Limits.MaxConcurrentConnections = MaxConnections;
            kestrel.ListenUnixSocket(path, endpoint => endpoint.Protocols = HttpProtocols.Http1);
        });
        builder.Services.Configure<SocketTransportOptions>(options => options.CreateBoundListenSocket = local => Instance.Listen((UnixDomainSocketEndPoint)local));
        builder.Services.AddRoutingCore();
        WebApplication server = builder.Build();
        server.UseRouting();
        Map(server, control, health);
        try
        {
            await server.StartAsync().ConfigureAwait(false);
            return server;
        }
        catch (Exception failure)
        {
            await server.DisposeAsync().ConfigureAwait(false);
            if (failure is not SocketException) throw;
            throw new IOException($"the control socket {path} cannot be opened: {failure.Message}", failure);
        }
    }

    private static void Map(WebApplication server, ProxyControl control, ProxyHealth health)
    {
        ControlJson json = ControlJson.Plain;
        server.MapGet("/v1/status", context => AnswerAsync(context, () => control.Status(), json.StatusReport));
        server.MapGet("/v1/peers", context => AnswerAsync(context, () => control.Peers(), json.IReadOnlyListPeerReport));
        server.MapGet("/v1/rules", context => AnswerAsync(context, () => control.Rules(), json.IReadOnlyListRuleReport));
        server.MapPost("/v1/rules", context => AnswerAsync(context, json.RuleRequest, control.AddAsync, json.RulesChanged));
        server.MapPost("/v1/rules/remove", context => AnswerAsync(context, json.RemovalRequest, control.RemoveAsync, json.RulesChanged));
        server.MapGet("/v1/flows", context => AnswerAsync(context, () => control.Flows(), json.IReadOnlyListFlowLine));
        RequestDelegate endFlow = context => EndFlowAsync(context, control);
        server.MapDelete("/v1/flows/{id:long}", endFlow);
        server.MapPost("/v1/ping", context => AnswerAsync(context, json.PingRequest, control.PingAsync, json.PingReport));
        server.MapPost("/v1/reload", context => AnswerAsync(context, control.ReloadAsync, json.ReloadReport));
        server.MapGet("/v1/debug", context => AnswerAsync(context, () => new DebugState(control.Debug), json.DebugState));
        Func<DebugState, CancellationToken, Task<DebugState>> switchDebug = (state, _) => Task.FromResult(Switch(control, state));
        server.MapPut("/v1/debug", context => AnswerAsync(context, json.DebugState, switchDebug, json.DebugState));
        foreach (string page in ProxyHealth.Paths)
        {
            server.MapGet(page, context =>
            {
                (int status, string type, string text) = health.Answer(page);
                (context.Response.StatusCode, context.Response.ContentType) = (status, type);
                return context.Response.WriteAsync(text, context.RequestAborted);
            });
        }
        server.MapFallback(context => WriteAsync(context, StatusCodes.Status404NotFound, new ErrorReport($"there is no {context.Request.Method} {context.Request.Path}"), json.ErrorReport));
    }

    private static DebugState Switch(ProxyControl control, DebugState state)
    {
        control.Debug = state.Enabled;
        return state;
    }

    private static Task EndFlowAsync(HttpContext context, ProxyControl control)
    {
        long id = long.Parse((string)context.Request.RouteValues["id"]!, System.Globalization.CultureInfo.InvariantCulture);
        if (!control.EndFlow(id)) return WriteAsync(context, StatusCodes.Status404NotFound, new ErrorReport($"there is no flow {id}"), ControlJson.Plain.ErrorReport);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private static Task AnswerAsync<T>(HttpContext context, Func<T> ask, JsonTypeInfo<T> type) => AnswerAsync(context, _ => Task.FromResult(ask()), type);

    private static Task AnswerAsync<TRequest, TAnswer>(
        HttpContext context, JsonTypeInfo<TRequest> requestType, Func<TRequest, CancellationToken, Task<TAnswer>> act, JsonTypeInfo<TAnswer> type) =>
        AnswerAsync(context, async stop =>
        {
            TRequest request = await JsonSerializer.DeserializeAsync(context.Request.Body, requestType, stop).ConfigureAwait(false)
                ?? throw new ArgumentException("the body is null");
            return await act(request, stop).ConfigureAwait(false);
        }, type);

    // Whatever goes wrong is told to who asked; the proxy goes on.
    private static async Task AnswerAsync<T>(HttpContext context, Func<CancellationToken, Task<T>> act, JsonTypeInfo<T> type)
    {
        try
        {
            await WriteAsync(context, StatusCodes.Status200OK, await act(context.RequestAborted).ConfigureAwait(false), type).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
        }
        catch (Exception failure)
        {
            (int Status, string Sentence) answer = failure switch
            {
                RuleException { Fault: RuleFault.Invalid } => (StatusCodes.Status400BadRequest, failure.Message),
                RuleException { Fault: RuleFault.NotFound } => (StatusCodes.Status404NotFound, failure.Message),
                RuleException => (StatusCodes.Status409Conflict, failure.Message),
                ConfigurationException or Commands.UsageException => (StatusCodes.Status422UnprocessableEntity, failure.Message),
                JsonException => (StatusCodes.Status400BadRequest, $"the body is not the JSON that is wanted here: {failure.Message}"),
                Microsoft.AspNetCore.Http.BadHttpRequestException bad => (bad.StatusCode, failure.Message),
                ArgumentException => (StatusCodes.Status400BadRequest, failure.Message),
                ObjectDisposedException => (StatusCodes.Status503ServiceUnavailable, "the proxy is about to end"),
                _ => (StatusCodes.Status500InternalServerError, $"{failure.GetType().Name}: {failure.Message}"),
            };
            await WriteAsync(context, answer.Status, new ErrorReport(answer.Sentence), ControlJson.Plain.ErrorReport).ConfigureAwait(false);
        }
    }

    private static async Task WriteAsync<T>(HttpContext context, int status, T value, JsonTypeInfo<T> type)
    {
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(value, type);
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = body.Length + 1;
        await context.Response.Body.WriteAsync(body, context.RequestAborted).ConfigureAwait(false);
        await context.Response.Body.WriteAsync("\n"u8.ToArray(), context.RequestAborted).ConfigureAwait(false);
    }
}
