namespace Ginnel.ProxyProtocols;

/// <summary>
/// Bounds the clients that have not finished their request. One more than the limit makes the oldest give way: an honest client is done
/// within milliseconds, so whoever holds many silent connections pushes out its own.
/// </summary>
internal sealed class HandshakeGate(int limit, ProxyIncidents incidents)
{
    private readonly LinkedList<Handshake> _waiting = new();
    private readonly Lock _lock = new();

    internal int Count
    {
        get
        {
            lock (_lock) return _waiting.Count;
        }
    }

    internal Handshake Enter()
    {
        Handshake? oldest = null;
        Handshake entered = new(this);
        lock (_lock)
        {
            if (_waiting.Count >= limit)
            {
                oldest = _waiting.First!.Value;
                _waiting.RemoveFirst();
            }
            _waiting.AddLast(entered.Node);
        }
        if (oldest is not null)
        {
            incidents.Count(ProxyIncident.HandshakeEvicted);
            oldest.Evict();
        }
        return entered;
    }

    private void Leave(Handshake handshake)
    {
        lock (_lock)
            if (handshake.Node.List is not null) _waiting.Remove(handshake.Node);
    }

    /// <summary>A place, until it is disposed or needed for somebody else.</summary>
    internal sealed class Handshake : IDisposable
    {
        private readonly HandshakeGate _gate;
        private readonly CancellationTokenSource _evicted = new();

        internal Handshake(HandshakeGate gate)
        {
            _gate = gate;
            Node = new LinkedListNode<Handshake>(this);
        }

        internal LinkedListNode<Handshake> Node { get; }

        /// <summary>Fires when the place is needed.</summary>
        internal CancellationToken Evicted => _evicted.Token;

        // Not disposed: the one who evicts may be another thread, and the source holds nothing without a timer.
        internal void Evict() => _evicted.Cancel();

        public void Dispose() => _gate.Leave(this);
    }
}
