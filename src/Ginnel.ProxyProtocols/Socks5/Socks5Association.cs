using System.Net;

namespace Ginnel.ProxyProtocols;

/// <summary>
/// A UDP association (RFC 1928 sections 4, 6 and 7): one source and its port for all targets. It lives as long as the connection that
/// asked for it, and serves nobody but that connection's address.
/// </summary>
internal sealed partial class Socks5Association : IPendingPort, IDatagramPort
{
    private readonly ProxyClient _client;
    private readonly IDatagramPort _port;
    private readonly ProxyIncidents _incidents;
    private readonly Socks5Names _names;
    private readonly TimeProvider _time;
    private readonly Action _ended;
    private readonly CancellationTokenSource _closing = new();
    private volatile IPEndPoint? _speaker;
    private int _isDecided;
    private int _isClosed;

    internal Socks5Association(ProxyClient client, IPEndPoint source, IDatagramPort port, Socks5Options options, ProxyIncidents incidents, Action ended)
    {
        (_client, _port, _incidents, _ended) = (client, port, incidents, ended);
        _time = options.Time ?? TimeProvider.System;
        _names = new Socks5Names(options.Resolver, options.MaxResolvedNames, options.ResolvedLifetime, _time);
        Source = source;
        if (source.Port != 0) _speaker = source;
        // A port has many targets: it is for no destination.
        Flow = new FlowInfo { Protocol = FlowProtocol.Udp, Origin = client.Arrival.Origin, Source = source };
        _ = FollowAsync();
    }

    /// <summary>The client's address; the port is 0 while it is not known.</summary>
    public IPEndPoint Source { get; }

    public FlowInfo Flow { get; }

    public IPEndPoint? LocalEndPoint => _port.LocalEndPoint;

    public async ValueTask<IDatagramPort> AcceptAsync(CancellationToken cancellationToken = default)
    {
        if (Interlocked.Exchange(ref _isDecided, 1) != 0) throw new IOException("The client was answered already, or went away.");
        try
        {
            await _client.Stream.WriteAsync(Socks5Reply.Of(Socks5Code.Succeeded, _port.LocalEndPoint), cancellationToken).ConfigureAwait(false);
            return this;
        }
        catch
        {
            await CloseAsync().ConfigureAwait(false);
            throw;
        }
    }

    public void Reject(DialFailure reason)
    {
        if (Interlocked.Exchange(ref _isDecided, 1) == 0) _ = RejectAsync(reason);
    }

    private async Task RejectAsync(DialFailure reason)
    {
        try
        {
            await _client.Stream.WriteAsync(Socks5Reply.Of(Socks5Reply.CodeOf(reason.Kind)), _closing.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // It does not want to know.
        }
        await CloseAsync().ConfigureAwait(false);
    }

    /// <summary>Follows the controlling connection: what it says means nothing, but when it ends the association does (section 6).</summary>
    private async Task FollowAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            while (await _client.Input.FillAsync(_closing.Token).ConfigureAwait(false)) _client.Input.Skip(_client.Input.Unread.Length);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // Broken is ended as well.
        }
        _client.Input.Release();
        Interlocked.Exchange(ref _isDecided, 1);
        await CloseAsync().ConfigureAwait(false);
    }

    public ValueTask DisposeAsync() => CloseAsync();

    private async ValueTask CloseAsync()
    {
        if (Interlocked.Exchange(ref _isClosed, 1) != 0) return;
        await _closing.CancelAsync().ConfigureAwait(false);
        await _port.DisposeAsync().ConfigureAwait(false);
        await _client.Stream.DisposeAsync().ConfigureAwait(false);
        _ended();
    }
}
