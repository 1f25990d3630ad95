using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// ICMP on its way up: echo of own addresses is answered, that of others is a datagram, errors go to the flow they quote.
/// </summary>
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

    private DropReason ReceiveError(in ReceivedPacket packet, NetworkFailure failure, int mtu, ReadOnlySpan<byte> quotedBytes, Instant now)
    {
        if (failure == NetworkFailure.None || packet.IsBroadcast) return DropReason.Ignored;
        // Only a packet that bears the receiver's address as its source can have been ours.
        if (!QuotedPacket.TryRead(quotedBytes, packet.Source.IsV4, out QuotedPacket quoted)) return DropReason.IcmpNotOurs;
        if (quoted.Flow.Local.Address != packet.Destination) return DropReason.IcmpNotOurs;
        if (failure == NetworkFailure.PacketTooBig)
        {
            if (mtu == 0 && packet.Source.IsV4) mtu = Plateau(quoted.TotalLength);
            // A router complains of a packet that exceeds its MTU; anything else is invented. No IPv6 path is narrower than 1,280
            // (RFC 8201 section 4: such a message is discarded), and no IPv4 path than 68 (RFC 1191 section 3).
            if (mtu >= quoted.TotalLength || mtu < (packet.Source.IsV4 ? 68 : IpV6Header.MinimumMtu)) return DropReason.IcmpNotOurs;
            mtu = Math.Max(mtu, PathMtuCache.Floor(quoted.Flow.Remote.Address));
        }
        else
        {
            mtu = 0;
        }
        Dispatch(new IcmpError(quoted.Flow, failure, mtu, quoted.TransportStart, packet.Interface.Id), now);
        return DropReason.None;
    }

    /// <summary>A packet of ours found no neighbor: its flow learns it as though a router had said so.</summary>
    internal void ReportUnreachable(NetworkInterface on, ReadOnlySpan<byte> ipPacket, Instant now)
    {
        if (QuotedPacket.TryRead(ipPacket, ipPacket[0] >> 4 == 4, out QuotedPacket quoted))
            Dispatch(new IcmpError(quoted.Flow, NetworkFailure.HostUnreachable, 0, quoted.TransportStart, on.Id), now);
    }

    private void Dispatch(in IcmpError error, Instant now)
    {
        if (error.Flow.Protocol == IpProtocol.Tcp) tcp.ReceiveError(error, now); else datagrams.ReceiveError(error, now);
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
