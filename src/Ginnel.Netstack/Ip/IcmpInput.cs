using System.Buffers.Binary;
using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>ICMP on its way up: echo of own addresses is answered, that of others is a datagram, errors go to the flow they quote.</summary>
internal sealed class IcmpInput(IcmpSender sender, TcpLayer tcp, DatagramLayer datagrams)
{
    /// <summary>Next lower MTU for routers that do not say which (RFC 1191 section 7).</summary>
    private static ReadOnlySpan<int> Plateaus => [32_000, 17_914, 8_166, 4_352, 2_002, 1_492, 1_006, 508, 296, 68];

    internal DropReason ReceiveV4(in ReceivedPacket packet, Instant now)
    {
        DropReason reason = IcmpView.TryParse(packet.Transport, out IcmpView view);
        if (reason != DropReason.None) return reason;
        if (packet.Checksum == ChecksumState.Unverified && !view.IsChecksumValid) return DropReason.BadChecksum;
        switch (view.Type)
        {
            case IcmpType.EchoRequest:
                return ReceiveEcho(packet, new EchoHeader(true, view.Identifier, view.Sequence), view.Body, now);
            case IcmpType.EchoReply:
                return ReceiveEcho(packet, new EchoHeader(false, view.Identifier, view.Sequence), view.Body, now);
            case IcmpType.DestinationUnreachable or IcmpType.TimeExceeded or IcmpType.ParameterProblem:
                return ReceiveError(packet, IcmpCodes.Read(view), view.Mtu, view.Body, now);
            default:
                return DropReason.Ignored;
        }
    }

    internal DropReason ReceiveV6(in ReceivedPacket packet, in IcmpV6View view, Instant now)
    {
        switch (view.Type)
        {
            case IcmpV6Type.EchoRequest:
                return ReceiveEcho(packet, new EchoHeader(true, view.Identifier, view.Sequence), view.Body, now);
            case IcmpV6Type.EchoReply:
                return ReceiveEcho(packet, new EchoHeader(false, view.Identifier, view.Sequence), view.Body, now);
            default:
                if (!view.IsError) return DropReason.Ignored;
                return ReceiveError(packet, IcmpCodes.Read(view), (int)Math.Min(view.Mtu, 65_535u), view.Body, now);
        }
    }

    private DropReason ReceiveEcho(in ReceivedPacket packet, EchoHeader echo, ReadOnlySpan<byte> data, Instant now)
    {
        // Answering a broadcast ping would make us an amplifier (smurf, RFC 1122 section 3.2.2.6 allows silence).
        if (packet.IsBroadcast) return DropReason.Ignored;
        if (echo.IsRequest && packet.IsForOwnAddress) return sender.SendEchoReply(packet, echo.Identifier, echo.Sequence, data, now);
        datagrams.ReceiveEcho(packet, echo, data, now);
        return DropReason.None;
    }

    private DropReason ReceiveError(in ReceivedPacket packet, NetworkFailure failure, int mtu, ReadOnlySpan<byte> quoted, Instant now)
    {
        if (failure == NetworkFailure.None || packet.IsBroadcast) return DropReason.Ignored;
        DropReason reason = ReadQuote(packet, quoted, out FlowKey flow, out ReadOnlySpan<byte> transport, out int totalLength);
        if (reason != DropReason.None) return reason;
        if (failure == NetworkFailure.PacketTooBig)
        {
            if (mtu == 0 && packet.Source.IsV4) mtu = Plateau(totalLength);
            // A router complains of a packet that exceeds its MTU; anything else is invented (RFC 8201 section 4).
            if (mtu >= totalLength) return DropReason.IcmpNotOurs;
            mtu = Math.Max(mtu, PathMtuCache.Floor(flow.Remote.Address));
        }
        else
        {
            mtu = 0;
        }
        uint start = transport.Length >= 8 ? BinaryPrimitives.ReadUInt32BigEndian(transport[4..]) : 0;
        IcmpError error = new(flow, failure, mtu, start, packet.Interface.Id);
        if (flow.Protocol == IpProtocol.Tcp) tcp.ReceiveError(error, now); else datagrams.ReceiveError(error, now);
        return DropReason.None;
    }

    /// <summary>Reads whom an error is about: only a packet that bears the receiver's address as source can have been ours.</summary>
    private DropReason ReadQuote(in ReceivedPacket packet, ReadOnlySpan<byte> quoted, out FlowKey flow, out ReadOnlySpan<byte> transport, out int totalLength)
    {
        flow = default;
        transport = default;
        totalLength = 0;
        IpProtocol protocol;
        IpAddress source, destination;
        bool v4 = packet.Source.IsV4;
        if (v4)
        {
            if (IpV4View.TryParseQuoted(quoted, out IpV4View view) != DropReason.None || view.FragmentOffset != 0) return DropReason.IcmpNotOurs;
            (protocol, source, destination, totalLength) = (view.Protocol, view.Source, view.Destination, view.TotalLength);
            transport = view.Payload;
        }
        else
        {
            if (IpV6View.TryParseQuoted(quoted, out IpV6View view) != DropReason.None || view.FragmentOffset != 0) return DropReason.IcmpNotOurs;
            (protocol, source, destination, totalLength) = (view.Protocol, view.Source, view.Destination, view.TotalLength);
            transport = view.Payload;
        }
        if (source != packet.Destination || transport.Length < 8) return DropReason.IcmpNotOurs;
        if (protocol is IpProtocol.Tcp or IpProtocol.Udp)
        {
            ushort local = BinaryPrimitives.ReadUInt16BigEndian(transport), remote = BinaryPrimitives.ReadUInt16BigEndian(transport[2..]);
            flow = new FlowKey(protocol, new IpEndpoint(source, local), new IpEndpoint(destination, remote));
            return DropReason.None;
        }
        if (protocol != (v4 ? IpProtocol.Icmp : IpProtocol.IcmpV6)) return DropReason.IcmpNotOurs;
        bool isRequest = transport[0] == (v4 ? (byte)IcmpType.EchoRequest : (byte)IcmpV6Type.EchoRequest);
        bool isReply = transport[0] == (v4 ? (byte)IcmpType.EchoReply : (byte)IcmpV6Type.EchoReply);
        if (!isRequest && !isReply) return DropReason.IcmpNotOurs;
        ushort identifier = BinaryPrimitives.ReadUInt16BigEndian(transport[4..]);
        flow = new FlowKey(protocol, new IpEndpoint(source, identifier), new IpEndpoint(destination, identifier));
        return DropReason.None;
    }

    private static int Plateau(int totalLength)
    {
        foreach (int plateau in Plateaus)
        {
            if (plateau < totalLength) return plateau;
        }
        return 68;
    }
}

/// <summary>What an echo message says beside its data.</summary>
/// <param name="IsRequest">Request or reply.</param>
/// <param name="Identifier">Whose pings they are.</param>
/// <param name="Sequence">Which of them.</param>
internal readonly record struct EchoHeader(bool IsRequest, ushort Identifier, ushort Sequence);
