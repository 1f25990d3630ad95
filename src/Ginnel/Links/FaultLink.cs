using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel;

/// <summary>Makes a link as bad as wanted, in both directions, repeatably: loss, marks, delay, reordering, duplication, corruption, rate.</summary>
/// <remarks>
/// Faults befall packets as they are on a wire, hence this link has no offloads and the stack cuts its segments itself. What the link beneath
/// does not take at once is lost.
/// </remarks>
public sealed class FaultLink : ILink
{
    private readonly ILink _inner;
    private readonly FaultDirection _outgoing;
    private readonly FaultDirection _incoming;
    private volatile Sink? _sink;

    /// <summary>Faults around a link, which is owned.</summary>
    public FaultLink(ILink inner, FaultLinkOptions options)
    {
        ArgumentNullException.ThrowIfNull(inner);
        ArgumentNullException.ThrowIfNull(options);
        foreach (double share in new[] { options.Loss, options.Marking, options.Duplication, options.Corruption, options.Reordering })
        {
            ArgumentOutOfRangeException.ThrowIfNegative(share, nameof(options));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(share, 1, nameof(options));
        }
        ArgumentOutOfRangeException.ThrowIfNegative(options.BytesPerSecond, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxQueued, 1, nameof(options));
        _inner = inner;
        int ipOffset = inner.Properties.Medium == LinkMedium.Ethernet ? EthernetHeader.Size : 0;
        _outgoing = new FaultDirection(options, options.Seed, ipOffset, SendOn);
        _incoming = new FaultDirection(options, unchecked(options.Seed * 31 + 1), ipOffset, DeliverOn);
    }

    /// <inheritdoc/>
    public LinkProperties Properties => Degrade(_inner.Properties);

    /// <summary>Packets that were lost on the way out and on the way in.</summary>
    public (long Outgoing, long Incoming) Lost => (_outgoing.Lost, _incoming.Lost);

    /// <summary>Packets that were marked as having met congestion, likewise.</summary>
    public (long Outgoing, long Incoming) Marked => (_outgoing.Marked, _incoming.Marked);

    /// <inheritdoc/>
    public async Task RunAsync(ILinkSink sink, CancellationToken cancellationToken)
    {
        Sink own = new(this, sink);
        _sink = own;
        try
        {
            await _inner.RunAsync(own, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _sink = null;
        }
    }

    /// <inheritdoc/>
    public int Send(ref PacketQueue queue)
    {
        int count = queue.Count;
        if (_sink is { } sink) _outgoing.Add(ref queue, sink.TryRent);
        else queue.ReturnAll();
        return count;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _outgoing.Dispose();
        _incoming.Dispose();
        return _inner.DisposeAsync();
    }

    private void SendOn(ref PacketQueue batch)
    {
        _inner.Send(ref batch);
        batch.ReturnAll();
    }

    private void DeliverOn(ref PacketQueue batch)
    {
        if (_sink is { } sink) sink.Target.Deliver(ref batch);
        else batch.ReturnAll();
    }

    private static LinkProperties Degrade(LinkProperties properties) => properties with { Offloads = LinkOffloads.None, Reliable = false };

    private sealed class Sink(FaultLink link, ILinkSink target) : ILinkSink
    {
        internal ILinkSink Target => target;

        public bool TryRent(PacketSize size, out Packet packet) => target.TryRent(size, out packet);

        public void Deliver(ref PacketQueue batch) => link._incoming.Add(ref batch, TryRent);

        public void Writable() => target.Writable();

        public void Changed(LinkProperties properties, bool up) => target.Changed(Degrade(properties), up);
    }
}
