using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Ginnel.AspNetCore;

/// <summary>A listener as a server sees it.</summary>
internal sealed class ListenerTransport(IListener listener, EndPoint endPoint, TransportSettings settings) : IConnectionListener
{
    private int _unbound;

    public EndPoint EndPoint => endPoint;

    /// <summary>The next connection; null once unbound, or when the listener ended by itself.</summary>
    /// <remarks>One whose handshake is still to come (any-IP) is given out at once: its bytes come later, and nobody waits behind it.</remarks>
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        IPendingConnection? pending = await listener.AcceptAsync(cancellationToken).ConfigureAwait(false);
        if (pending is null)
        {
            if (Volatile.Read(ref _unbound) == 0) TransportLog.ListenerEnded(settings.Logger, endPoint);
            return null;
        }
        DuplexConnection connection = new(pending, settings);
        connection.Start();
        return connection;
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default) =>
        Interlocked.Exchange(ref _unbound, 1) == 0 ? listener.DisposeAsync() : default;

    public async ValueTask DisposeAsync()
    {
        await UnbindAsync().ConfigureAwait(false);
        settings.Dispose();
    }
}
