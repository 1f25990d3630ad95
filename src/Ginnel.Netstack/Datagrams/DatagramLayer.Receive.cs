using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <content>Datagrams and errors on their way up.</content>
internal sealed partial class DatagramLayer
{
    /// <summary>Datagrams of an undecided source that are kept for it; the decision takes as long as a connection upstream.</summary>
    private const int PendingDatagrams = 8;

    /// <summary>A datagram without its headers.</summary>
    private readonly ref struct Incoming
    {
        internal required IpProtocol Protocol { get; init; }
        internal required IpEndpoint Source { get; init; }
        internal required IpEndpoint Destination { get; init; }
        internal required ReadOnlySpan<byte> Payload { get; init; }
        internal int SegmentSize { get; init; }
        internal EchoHeader Echo { get; init; }
    }

    internal void Receive(in ReceivedPacket packet, Instant now)
    {
        DropReason reason = UdpView.TryParse(packet.Transport, out UdpView view);
        if (reason == DropReason.None) reason = Check(packet, view);
        if (reason != DropReason.None) { context.Drop(reason); return; }
        Deliver(packet, new Incoming
        {
            Protocol = IpProtocol.Udp,
            Source = new IpEndpoint(packet.Source, view.SourcePort),
            Destination = new IpEndpoint(packet.Destination, view.DestinationPort),
            Payload = view.Payload,
            SegmentSize = packet.Segmentation.SegmentSize,
        }, now);
    }

    /// <summary>An echo message that the stack does not answer itself.</summary>
    internal void ReceiveEcho(in ReceivedPacket packet, EchoHeader echo, ReadOnlySpan<byte> data, Instant now) =>
        Deliver(packet, new Incoming
    {
        Protocol = packet.Protocol,
        Source = new IpEndpoint(packet.Source, echo.Identifier),
        Destination = new IpEndpoint(packet.Destination, echo.Identifier),
        Payload = data,
        Echo = echo,
    }, now);

    /// <summary>An error about a datagram of ours becomes an item of the port that sent it.</summary>
    internal void ReceiveError(in IcmpError error, Instant now)
    {
        FlowKey flow = error.Flow;
        DatagramPort? port = ip.Interfaces.IsOwn(flow.Local.Address)
            ? _ports.FindBound(flow.Protocol, flow.Local, error.Interface, onlyGeneral: false)
            : _ports.FindSource(flow.Protocol, flow.Remote, error.Interface);
        if (port is null || port.State == DatagramPortState.Pending) { context.Drop(DropReason.IcmpNotOurs); return; }
        int mtu = error.Failure == NetworkFailure.PacketTooBig ? ip.LearnPathMtu(flow.Remote.Address, error.Mtu, now) : 0;
        DatagramRecord record = new()
        {
            Source = flow.Local, Destination = flow.Remote, Interface = Visible(error.Interface), Failure = error.Failure, Mtu = mtu,
        };
        Add(port, record, []);
    }

    private static DropReason Check(in ReceivedPacket packet, in UdpView view)
    {
        if (view.DestinationPort == 0) return DropReason.BadField;
        // No offload makes an absent checksum legal over IPv6 (RFC 8200 section 8.1).
        bool isValid = packet.Checksum == ChecksumState.Unverified
            ? view.IsChecksumValid(packet.Source, packet.Destination)
            : view.Checksum != 0 || packet.Checksum == ChecksumState.Partial || packet.Source.IsV4;
        return isValid ? DropReason.None : DropReason.BadChecksum;
    }

    /// <summary>The internal interface is nobody's business: what came from the stack itself came in nowhere.</summary>
    private static int Visible(InterfaceId id) => Math.Max(0, id.Index);

    private void Deliver(in ReceivedPacket packet, in Incoming incoming, Instant now)
    {
        DatagramPort? port = null;
        if (packet.IsForOwnAddress || packet.IsBroadcast) port = FindBound(packet, incoming, now);
        else if (packet.Interface.AnyIp) port = FindOrMakePending(packet, incoming, now);
        if (port is null) return;
        DatagramRecord record = new()
        {
            Source = incoming.Source, Destination = incoming.Destination, Interface = Visible(packet.Interface.Id),
            HopLimit = packet.HopLimit,
            IsEchoRequest = incoming.Echo.IsRequest, EchoSequence = incoming.Echo.Sequence,
        };
        port.LastEchoSequence = incoming.Echo.Sequence;
        ReadOnlySpan<byte> rest = incoming.Payload;
        int size = incoming.SegmentSize == 0 ? rest.Length : incoming.SegmentSize;
        do
        {
            ReadOnlySpan<byte> payload = rest[..Math.Min(size, rest.Length)];
            rest = rest[payload.Length..];
            port.LastLength = payload.Length;
            if (port.State == DatagramPortState.Pending && port.Queue.Count >= PendingDatagrams) context.Drop(DropReason.ReceiveBufferFull);
            else Add(port, record, payload);
        }
        while (!rest.IsEmpty);
    }

    private DatagramPort? FindBound(in ReceivedPacket packet, in Incoming incoming, Instant now)
    {
        DatagramPort? port = _ports.FindBound(incoming.Protocol, incoming.Destination, packet.Interface.Id,
            onlyGeneral: packet.IsBroadcast);
        if (port is not null && (!packet.IsBroadcast || port.Options.Broadcast)) return port;
        if (packet.Interface is { AnyIp: true, Options.AnyPort: true } && !packet.IsBroadcast && incoming.Protocol == IpProtocol.Udp)
            return FindOrMakePending(packet, incoming, now);
        context.Drop(DropReason.NoListener);
        // RFC 1122 section 4.1.3.1; a stray echo reply deserves no answer.
        if (incoming.Protocol == IpProtocol.Udp && !packet.IsBroadcast) ip.Icmp.SendError(packet, NetworkFailure.Refused, now);
        return null;
    }

    private DatagramPort? FindOrMakePending(in ReceivedPacket packet, in Incoming incoming, Instant now)
    {
        if (_ports.FindSource(incoming.Protocol, incoming.Source, packet.Interface.Id) is { } known) return known;
        DropReason reason = DropReason.None;
        // A reply answers nothing of ours; a source port of 0 cannot be answered.
        if (incoming.Protocol != IpProtocol.Udp ? !incoming.Echo.IsRequest : incoming.Source.Port == 0) reason = DropReason.NoListener;
        else if (context.PendingCount >= context.Options.MaxPending) reason = DropReason.BacklogFull;
        else if (context.Sockets.Count >= context.Options.MaxSockets) reason = DropReason.TableFull;
        if (reason != DropReason.None)
        {
            context.Drop(reason);
            return null;
        }
        DatagramPort port = new(this)
        {
            State = DatagramPortState.Pending, Interface = packet.Interface,
            Flow = new FlowKey(incoming.Protocol, incoming.Destination, incoming.Source),
        };
        context.Sockets.TryAdd(port);
        context.PendingCount++;
        _ports.AddSource(port);
        context.Timers.Arm(port, now + context.Options.Tcp.PendingTimeout);
        context.Events.Raise(port, SocketEvents.PendingPort);
        return port;
    }

    private void Add(DatagramPort port, in DatagramRecord record, ReadOnlySpan<byte> payload)
    {
        DatagramRecord complete = record;
        complete.Length = payload.Length;
        if (!port.Queue.TryAdd(complete, payload, port.Options.ReceiveBuffer ?? context.Options.DatagramReceiveBuffer, context))
        {
            context.Drop(DropReason.ReceiveBufferFull);
            return;
        }
        if (port.State != DatagramPortState.Pending) context.Events.Raise(port, SocketEvents.Readable);
    }
}
