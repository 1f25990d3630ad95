using System.Net;

namespace Ginnel.ProxyProtocols;

/// <summary>A client that waits for the peer of its BIND. The second reply names the peer (RFC 1928 section 6).</summary>
internal sealed class Socks5BindPending(ProxyClient client, FlowInfo flow, TimeProvider time) : ProxyPending(client, flow, time)
{
    /// <summary>Who came; set before it is accepted.</summary>
    internal IPEndPoint? Peer { get; set; }

    protected override ReadOnlyMemory<byte> Success => Socks5Reply.Of(Socks5Code.Succeeded, Peer);

    protected override ReadOnlyMemory<byte> Refusal(DialFailure reason) => Socks5Reply.Of(Socks5Reply.CodeOf(reason.Kind));

    /// <summary>The first reply: where the peer is awaited.</summary>
    internal ValueTask TellAsync(IPEndPoint local, CancellationToken cancellationToken) =>
        Client.Stream.WriteAsync(Socks5Reply.Of(Socks5Code.Succeeded, local), cancellationToken);
}

/// <summary>
/// One BIND, as both sides of a relay of its own: a listener that offers its client once, and a dialer that "dials" by awaiting the peer.
/// Only the expected peer is let in, and only one (RFC 1928 section 4, BIND).
/// </summary>
internal sealed class Socks5Bind(
    Socks5BindPending pending, Func<FlowInfo, CancellationToken, ValueTask<ListenResult>> listen, INameResolver? resolver, ProxyIncidents incidents) : IListener, IDialer
{
    private bool _isOffered;

    public ValueTask<IPendingConnection?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        if (_isOffered) return new ValueTask<IPendingConnection?>((IPendingConnection?)null);
        _isOffered = true;
        return new ValueTask<IPendingConnection?>(pending);
    }

    public async ValueTask<DialResult> DialAsync(EndPoint target, FlowInfo flow, CancellationToken cancellationToken = default)
    {
        (IReadOnlyList<IPAddress> expected, DialFailure unknown) = await ExpectedAsync(target, cancellationToken).ConfigureAwait(false);
        if (unknown.Kind != DialFailureKind.None) return DialResult.Failed(unknown);
        ListenResult listening = await listen(flow, cancellationToken).ConfigureAwait(false);
        if (!listening.IsListening) return DialResult.Failed(listening.Failure);
        await using (listening.Listener.ConfigureAwait(false))
        {
            try
            {
                await pending.TellAsync(listening.LocalEndPoint, cancellationToken).ConfigureAwait(false);
            }
            catch (IOException)
            {
                return DialResult.Failed(DialFailureKind.Reset, "the client went away");
            }
            return await AwaitPeerAsync(listening.Listener, expected, cancellationToken).ConfigureAwait(false);
        }
    }

    public ValueTask<BindResult> BindAsync(FlowInfo flow, CancellationToken cancellationToken = default) => new(BindResult.Failed(DialFailureKind.Unsupported));

    public ValueTask DisposeAsync() => default;

    private async Task<DialResult> AwaitPeerAsync(IListener listener, IReadOnlyList<IPAddress> expected, CancellationToken cancellationToken)
    {
        while (await listener.AcceptAsync(cancellationToken).ConfigureAwait(false) is { } arrived)
        {
            if (ProxyTargets.Plain(arrived.Flow.Source) is not { } peer || (expected.Count > 0 && !expected.Contains(peer.Address)))
            {
                incidents.Count(ProxyIncident.BindStranger);
                arrived.Reject(new DialFailure(DialFailureKind.Refused, "not the peer that is expected"));
                continue;
            }
            try
            {
                DuplexStream stream = await arrived.AcceptAsync(cancellationToken).ConfigureAwait(false);
                pending.Peer = peer;
                return DialResult.Connected(stream);
            }
            catch (IOException)
            {
                // This peer went away in its handshake; it may come again.
            }
        }
        return DialResult.Failed(DialFailureKind.Reset, "the port for the peer was closed");
    }

    /// <summary>Addresses of the peer; none for anybody. Its port is not known in advance: FTP's data comes from another than its control.</summary>
    private async ValueTask<(IReadOnlyList<IPAddress> Addresses, DialFailure Failure)> ExpectedAsync(EndPoint target, CancellationToken cancellationToken)
    {
        if (target is IPEndPoint { Address: var address }) return (address.Equals(IPAddress.Any) ? [] : [address], default);
        if (target is not DnsEndPoint name || resolver is null) return ([], new DialFailure(DialFailureKind.NameNotFound, "no resolver for the peer's name"));
        NameResult resolved = await resolver.ResolveAsync(name.Host, cancellationToken).ConfigureAwait(false);
        if (resolved.Failure.Kind != DialFailureKind.None) return ([], resolved.Failure);
        return resolved.Addresses.Count > 0 ? ([.. resolved.Addresses.Select(ProxyTargets.Plain)], default) : ([], NameResult.NotFound(name.Host).Failure);
    }
}
