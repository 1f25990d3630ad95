namespace Ginnel;

/// <content>Stopping.</content>
public sealed partial class NetworkHost
{
    /// <summary>
    /// Closes the any-IP listeners and waits until every connection that this process has is disposed of and what it wrote was
    /// delivered, or until the token is cancelled. <see cref="DisposeAsync"/> afterwards resets what is left.
    /// </summary>
    public async Task StopAsync(CancellationToken cancellationToken = default)
    {
        // Hosts of our links look for another router while our connections end (RFC 4861 section 6.2.5).
        if (_shard.Ended is null)
        {
            foreach (HostInterface way in Interfaces) way.EndRouting();
        }
        if (Volatile.Read(ref _connections) is { } connections) await connections.DisposeAsync().ConfigureAwait(false);
        if (Volatile.Read(ref _ports) is { } ports) await ports.DisposeAsync().ConfigureAwait(false);
        try
        {
            await _shard.DrainAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The time that was given is over; that is no fault.
        }
    }

    /// <summary>Resets every connection, detaches every link and disposes of those it owns. Operations that wait fail.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        _shard.End(new ObjectDisposedException(nameof(NetworkHost), $"The network host {Name} is closed."));
        foreach (HostInterface way in Interfaces) await DetachAsync(way).ConfigureAwait(false);
        if (Volatile.Read(ref _connections) is { } connections) await connections.DisposeAsync().ConfigureAwait(false);
        if (Volatile.Read(ref _ports) is { } ports) await ports.DisposeAsync().ConfigureAwait(false);
    }
}
