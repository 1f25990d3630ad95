using System.Net;

namespace Ginnel.ProxyProtocols;

/// <content>Requests in absolute form. The server's connection is kept for the next request to the same target.</content>
internal sealed partial class HttpSession
{
    private HttpServerConnection? _server;

    /// <summary>Forwards one request; null to go on with the next, otherwise whether the client's connection was taken care of.</summary>
    private async Task<bool?> ForwardAsync(HttpForward request)
    {
        for (bool isRepeated = false; ; isRepeated = true)
        {
            bool isKept = _server is { } kept && kept.Target.Equals(request.Target) && kept.IsUsable;
            if (!isKept)
            {
                Release();
                DialFailure failure = await DialAsync(request.Target).ConfigureAwait(false);
                if (failure.Kind != DialFailureKind.None) return await AnswerAsync(HttpAnswers.Of(failure, viaName)).ConfigureAwait(false);
            }
            HttpExchange exchange = new(client, _server!, request, viaName, loop.Limits.Time);
            HttpExchangeEnd end = await exchange.RunAsync().ConfigureAwait(false);
            if (!exchange.IsServerKept || end is not (HttpExchangeEnd.GoOn or HttpExchangeEnd.Close)) Release(isWhole: end is HttpExchangeEnd.GoOn or HttpExchangeEnd.Close);
            switch (end)
            {
                case HttpExchangeEnd.GoOn when !loop.Stopping.IsCancellationRequested:
                    return null;
                case HttpExchangeEnd.GoOn or HttpExchangeEnd.Close:
                    return await AnswerAsync(default).ConfigureAwait(false);
                // RFC 9112 section 9.3.1: a kept connection may have been closed as the request was on its way.
                case HttpExchangeEnd.NoAnswer when isKept && request.IsRepeatable && !isRepeated:
                    continue;
                case HttpExchangeEnd.NoAnswer:
                    return await AnswerAsync(HttpAnswers.Of(502, "The server closed the connection without an answer.", isHead: request.IsHead)).ConfigureAwait(false);
                case HttpExchangeEnd.BadAnswer:
                    return await AnswerAsync(HttpAnswers.Of(502, "The server's answer is malformed or cannot be forwarded.", isHead: request.IsHead)).ConfigureAwait(false);
                default:
                    return false;
            }
        }
    }

    /// <summary>Asks the relay. A client that breaks meanwhile gives the dial up; one that merely says no more awaits its answer.</summary>
    private async Task<DialFailure> DialAsync(EndPoint target)
    {
        HttpForwardPending pending = new(client.Asks(FlowProtocol.Tcp, target));
        using CancellationTokenSource decided = new();
        Task<WatchEnd> watch = client.Input.WatchAsync(decided.Token);
        loop.Offer(pending);
        Task first = await Task.WhenAny(watch, pending.Decision).ConfigureAwait(false);
        if (first == watch && await watch.ConfigureAwait(false) == WatchEnd.Broken) await pending.AbandonAsync().ConfigureAwait(false);
        (PairedStream? stream, DialFailure failure) = await pending.Decision.ConfigureAwait(false);
        await decided.CancelAsync().ConfigureAwait(false);
        await watch.ConfigureAwait(false);
        if (stream is not null) _server = new HttpServerConnection(target, stream, options.MaxHead);
        return failure;
    }

    private void Release(bool isWhole = true)
    {
        if (_server is not { } server) return;
        if (!isWhole) server.Stream.Abort();
        server.Dispose();
        _server = null;
    }
}
