using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel;

/// <summary>
/// Records what passes a link, as the host sees it: super-segments whole, and checksums that are left to the link unfinished, as tcpdump
/// shows them on an interface with offloads.
/// </summary>
public sealed class CaptureLink : ILink
{
    private readonly ILink _inner;
    private readonly CaptureFile _file;
    private readonly int _id;
    // What the link left in the queue comes first in the next one, and was recorded already.
    private int _recorded;

    /// <summary>A capture around a link, which is owned; the file is not.</summary>
    public CaptureLink(ILink inner, CaptureFile file, string name = "net0")
    {
        ArgumentNullException.ThrowIfNull(inner);
        ArgumentNullException.ThrowIfNull(file);
        _inner = inner;
        _file = file;
        _id = file.AddInterface(inner.Properties.Medium == LinkMedium.Ethernet ? PcapLinkType.Ethernet : PcapLinkType.RawIp, name);
    }

    /// <inheritdoc/>
    public LinkProperties Properties => _inner.Properties;

    /// <inheritdoc/>
    public Task RunAsync(ILinkSink sink, CancellationToken cancellationToken) => _inner.RunAsync(new Sink(this, sink), cancellationToken);

    /// <inheritdoc/>
    public int Send(ref PacketQueue queue)
    {
        _file.Record(_id, ref queue, _recorded, PcapDirection.Outbound);
        int taken = _inner.Send(ref queue);
        _recorded = queue.Count;
        return taken;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _inner.DisposeAsync();

    private sealed class Sink(CaptureLink link, ILinkSink target) : ILinkSink
    {
        public bool TryRent(PacketSize size, out Packet packet) => target.TryRent(size, out packet);

        public void Deliver(ref PacketQueue batch)
        {
            link._file.Record(link._id, ref batch, 0, PcapDirection.Inbound);
            target.Deliver(ref batch);
        }

        public void Writable() => target.Writable();

        public void Changed(LinkProperties properties, bool up) => target.Changed(properties, up);
    }
}
