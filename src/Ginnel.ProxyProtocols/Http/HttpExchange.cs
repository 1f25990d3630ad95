using System.Net;
using System.Text;

namespace Ginnel.ProxyProtocols;

/// <summary>A connection to a server that may carry several exchanges.</summary>
internal sealed class HttpServerConnection(EndPoint target, PairedStream stream, int capacity) : IDisposable
{
    internal EndPoint Target => target;

    internal PairedStream Stream => stream;

    internal ClientInput Input { get; } = new(stream, capacity);

    /// <summary>Whether another request may go there: it is open, and owes nothing.</summary>
    internal bool IsUsable => !stream.HasEnded && Input.Unread.IsEmpty;

    public void Dispose()
    {
        Input.Release();
        stream.Dispose();
    }
}

/// <summary>How an exchange ended for its client.</summary>
internal enum HttpExchangeEnd : byte
{
    /// <summary>Answered; the next request may come.</summary>
    GoOn,
    /// <summary>Answered; the client is to be closed.</summary>
    Close,
    /// <summary>The client is gone, or was given part of an answer: nothing can be said to it any more.</summary>
    Broken,
    /// <summary>The server gave no answer; nothing was said to the client.</summary>
    NoAnswer,
    /// <summary>The server's answer cannot be forwarded; nothing was said to the client.</summary>
    BadAnswer,
}

/// <summary>One request to a server and its answer. The body goes up while the answer comes down, for a server may answer early.</summary>
internal sealed class HttpExchange(ProxyClient client, HttpServerConnection server, HttpForward request, string viaName, TimeProvider time)
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);
    private readonly byte[] _viaName = Encoding.ASCII.GetBytes(viaName);
    private bool _isServerKept;

    /// <summary>Whether the server's connection may be used again.</summary>
    internal bool IsServerKept => _isServerKept && server.IsUsable;

    internal async Task<HttpExchangeEnd> RunAsync()
    {
        using CancellationTokenSource answered = new();
        Task<HttpCopyEnd> up = UpAsync(answered.Token);
        HttpExchangeEnd end = await DownAsync(up).ConfigureAwait(false);
        // Most often the body is up already. A server that answers early gets what the client still sends for a moment, no longer.
        if (!up.IsCompleted) await Task.WhenAny(up, Task.Delay(Grace, time, answered.Token)).ConfigureAwait(false);
        bool isSent = up.IsCompleted;
        await answered.CancelAsync().ConfigureAwait(false);
        HttpCopyEnd sent = await up.ConfigureAwait(false);
        // The rest of a body that nobody wanted stands where the next request would: the connection cannot go on.
        if (!isSent || sent != HttpCopyEnd.Done)
        {
            _isServerKept = false;
            if (end == HttpExchangeEnd.GoOn) end = HttpExchangeEnd.Close;
        }
        return end;
    }

    private async Task<HttpCopyEnd> UpAsync(CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        HttpCopyEnd end;
        try
        {
            await server.Stream.WriteAsync(request.Head, cancellationToken).ConfigureAwait(false);
            end = await new HttpBodyCopy(client.Input, server.Stream, request.Body.Kind).RunAsync(request.Body, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or OperationCanceledException)
        {
            return HttpCopyEnd.SinkBroke;
        }
        // A body that was cut must not look whole to the server, and no answer to it is worth waiting for.
        if (end == HttpCopyEnd.SourceBroke) server.Stream.Abort();
        return end;
    }

    private async Task<HttpExchangeEnd> DownAsync(Task<HttpCopyEnd> up)
    {
        while (true)
        {
            int length = await HeadAsync().ConfigureAwait(false);
            if (up.IsCompleted && await up.ConfigureAwait(false) == HttpCopyEnd.SourceBroke) return HttpExchangeEnd.Broken;
            if (length <= 0) return length == 0 ? HttpExchangeEnd.NoAnswer : HttpExchangeEnd.BadAnswer;
            if (HttpResponseWriter.Rewrite(server.Input.Unread.Span[..length], request, _viaName) is not { } answer) return HttpExchangeEnd.BadAnswer;
            server.Input.Skip(length);
            bool isInterim = answer.Status < 200;
            // RFC 9110 section 15.2: clients of HTTP/1.0 know no interim answers.
            if (!(isInterim && request.IsHttp10) && !await SayAsync(answer.Head).ConfigureAwait(false)) return HttpExchangeEnd.Broken;
            if (!isInterim) return await BodyAsync(answer).ConfigureAwait(false);
        }
    }

    private async Task<HttpExchangeEnd> BodyAsync(HttpAnswerForward answer)
    {
        HttpCopyEnd end = await new HttpBodyCopy(server.Input, client.Stream, answer.To).RunAsync(answer.From, CancellationToken.None).ConfigureAwait(false);
        if (end != HttpCopyEnd.Done) return HttpExchangeEnd.Broken;
        _isServerKept = answer.IsServerKept;
        return answer.IsClientKept ? HttpExchangeEnd.GoOn : HttpExchangeEnd.Close;
    }

    private async Task<bool> SayAsync(byte[] head)
    {
        try
        {
            await client.Stream.WriteAsync(head).ConfigureAwait(false);
            return true;
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            return false;
        }
    }

    /// <summary>Length of the next head; 0 when the server said nothing, -1 when what it said is none.</summary>
    private async Task<int> HeadAsync()
    {
        try
        {
            while (true)
            {
                int end = HttpSyntax.EndOfHead(server.Input.Unread.Span);
                if (end > 0) return end;
                if (server.Input.IsFull) return -1;
                if (!await server.Input.FillAsync(CancellationToken.None).ConfigureAwait(false)) return server.Input.Unread.IsEmpty ? 0 : -1;
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            return 0;
        }
    }
}
