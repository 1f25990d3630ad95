using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel;

/// <summary>Where a link meets a shard: the sink of one attachment, and the packets on their way to that link.</summary>
internal sealed class ShardPort(Shard shard, InterfaceId id, ILink link) : Completion, ILinkSink
{
    internal InterfaceId Interface { get; } = id;
    internal ILink Link { get; } = link;

    // Guarded by the shard's lock, except Egress, which belongs to whoever has set Sending.
    internal bool IsUp;
    internal bool Sending;
    internal bool Blocked;
    internal bool Signalled;
    internal PacketQueue Egress;
    internal ShardPort? NextSender;

    /// <summary>The fault that a link raised out of <see cref="ILink.Send"/>, which must not.</summary>
    internal Exception? SendFault { get; private set; }

    public bool TryRent(PacketSize size, out Packet packet) => shard.Runtime.Pool.TryRent(size, out packet);

    public void Deliver(ref PacketQueue batch) => shard.Receive(this, ref batch);

    public void Writable() => shard.Writable(this);

    public void Changed(LinkProperties properties, bool up) => shard.Changed(this, properties, up);

    internal void SendToLink()
    {
        try
        {
            Link.Send(ref Egress);
        }
        catch (Exception exception)
        {
            // A link that throws is broken; its packets are lost as on any broken link, the host lives on.
            SendFault = exception;
            Egress.ReturnAll();
        }
    }

    /// <summary>Under the lock: nothing is sent any more.</summary>
    internal void Close()
    {
        IsUp = false;
        Blocked = false;
        if (!Sending) Egress.ReturnAll();
    }

    public override void Execute() => shard.Send(this);
}
