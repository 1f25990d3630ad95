namespace Ginnel.ProxyProtocols;

/// <summary>One client's requests, one after the other.</summary>
internal sealed partial class HttpSession(ProxyClient client, ClientLoop loop, HttpJudge judge, HttpProxyOptions options, string viaName)
{
    private int _headLength;

    /// <summary>Serves until the client closes, is refused, or gets a tunnel. False when it is to be dropped.</summary>
    internal async Task<bool> RunAsync()
    {
        try
        {
            return await ServeAsync().ConfigureAwait(false);
        }
        finally
        {
            Release();
        }
    }

    private async Task<bool> ServeAsync()
    {
        for (bool isFirst = true; ; isFirst = false)
        {
            if (!isFirst && !await AwaitNextAsync().ConfigureAwait(false)) return true;
            if (!await loop.WithinAsync(options.HandshakeTimeout, ReadHeadAsync).ConfigureAwait(false)) return false;
            HttpDecision decision = _headLength < 0
                ? HttpJudge.Refuse(431, $"The head is longer than {options.MaxHead} bytes.", ProxyIncident.Malformed)
                : judge.Decide(client.Input.Unread.Span[.._headLength], ProxyTargets.Plain(client.Stream.LocalEndPoint));
            if (decision.Incident is { } incident) loop.Incidents.Count(incident);
            if (decision.Answer is { } answer) return await AnswerAsync(answer).ConfigureAwait(false);
            client.Input.Skip(_headLength);
            if (decision.Tunnel is { } target)
            {
                loop.Offer(new HttpConnectPending(client, client.Asks(FlowProtocol.Tcp, target), loop.Limits.Time, viaName));
                return true;
            }
            if (await ForwardAsync(decision.Forward!).ConfigureAwait(false) is { } isKept) return isKept;
        }
    }

    private async Task<bool> AnswerAsync(ReadOnlyMemory<byte> answer)
    {
        client.Input.Release();
        await LastWords.SayAsync(client.Stream, answer, loop.Limits.Time).ConfigureAwait(false);
        return true;
    }

    /// <summary>Between requests a client may be silent for longer, and may leave: it is closed in peace, for it may still be reading.</summary>
    private async Task<bool> AwaitNextAsync()
    {
        if (!client.Input.Unread.IsEmpty) return true;
        if (await loop.WithinAsync(options.IdleTimeout, async token => await client.Input.FillAsync(token).ConfigureAwait(false), isOwed: false).ConfigureAwait(false)) return true;
        await client.Stream.DisposeAsync().ConfigureAwait(false);
        return false;
    }

    private async Task<bool> ReadHeadAsync(CancellationToken cancellationToken)
    {
        for (int searched = 0; ;)
        {
            ReadOnlyMemory<byte> unread = client.Input.Unread;
            int from = Math.Max(0, searched - 3), end = HttpSyntax.EndOfHead(unread.Span[from..]);
            _headLength = end < 0 ? -1 : from + end;
            if (end >= 0 || client.Input.IsFull) return true;
            searched = unread.Length;
            if (await client.Input.FillAsync(cancellationToken).ConfigureAwait(false)) continue;
            loop.Incidents.Count(ProxyIncident.HandshakeBroken);
            return false;
        }
    }
}
