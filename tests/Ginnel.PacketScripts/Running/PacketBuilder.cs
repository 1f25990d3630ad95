using System.Buffers.Binary;
using Ginnel.PacketScripts.Syntax;
using Ginnel.Wire;

namespace Ginnel.PacketScripts.Running;

/// <summary>Turns written segments, datagrams and ICMP messages into packets from the peer.</summary>
internal sealed class PacketBuilder(Profile profile, Flow flow)
{
    private const byte HopLimit = 255;

    internal byte[] Build(int line, PacketAction action) => action switch
    {
        TcpAction tcp => Build(tcp),
        UdpAction udp => Build(udp),
        IcmpAction icmp => Build(line, icmp),
        _ => throw new ScriptException(line, "the packet is of no known kind"),
    };

    private byte[] Build(TcpAction action)
    {
        TcpText text = action.Segment;
        byte[] options = Options(text.Options ?? []);
        byte[] segment = new byte[TcpHeader.MinimumSize + options.Length + text.Length];
        FlagText flags = FlagText.Parse(text.Flags);
        var header = new TcpHeader
        {
            SourcePort = action.Ports?.Source ?? flow.RemotePort,
            DestinationPort = action.Ports?.Destination ?? flow.LocalPort,
            Sequence = new SequenceNumber(text.Sequence),
            Acknowledgment = new SequenceNumber(text.Acknowledgment is { } acknowledgment ? flow.ToLocal(acknowledgment) : 0),
            Flags = flags.Flags,
            Window = (ushort)(text.Window ?? 0),
            UrgentPointer = (ushort)(text.Urgent ?? 0),
        };
        header.Write(segment);
        segment[12] = (byte)((TcpHeader.MinimumSize + options.Length) / 4 << 4 | (flags.AccurateEcn ? 1 : 0));
        options.CopyTo(segment, TcpHeader.MinimumSize);
        return Wrap(segment, IpProtocol.Tcp, 16, action.Ip);
    }

    private byte[] Build(UdpAction action)
    {
        byte[] datagram = new byte[UdpHeader.Size + action.Length];
        new UdpHeader
        {
            SourcePort = action.Ports?.Source ?? flow.RemotePort, DestinationPort = action.Ports?.Destination ?? flow.LocalPort,
            Length = (ushort)datagram.Length,
        }.Write(datagram);
        return Wrap(datagram, IpProtocol.Udp, 6, action.Ip);
    }

    private byte[] Build(int line, IcmpAction icmp)
    {
        (byte type, byte code) = IcmpNames.Parse(line, icmp, profile.IsV6);
        bool isEcho = icmp.Type is "echo_request" or "echo_reply";
        // An error that does not say what it quotes is about our first segment.
        byte[] quoted = icmp.Quoted is { } text ? Quote(text) : isEcho ? [] : Quote(new QuotedText(QuotedKind.Tcp, 0, 0));
        byte[] message = new byte[IcmpMessage.HeaderSize + quoted.Length];
        message[0] = type;
        message[1] = code;
        if (icmp.Mtu is { } mtu) BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(4), profile.IsV6 ? (uint)mtu : (ushort)mtu);
        if (icmp.Identifier is { } identifier) BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(4), (ushort)identifier);
        quoted.CopyTo(message, IcmpMessage.HeaderSize);
        // Errors come from a router on the way, echoes from the peer.
        IpAddress source = icmp.Quoted is { Kind: not QuotedKind.Raw } || (icmp.Quoted is null && !isEcho) ? profile.Gateway : profile.Remote;
        ulong sum = profile.IsV6 ? Checksum.PseudoHeader(source, profile.Local, IpProtocol.IcmpV6, message.Length) : 0;
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(2), (ushort)~Checksum.Fold(Checksum.Sum(message, sum)));
        return WithIp(message, profile.IsV6 ? IpProtocol.IcmpV6 : IpProtocol.Icmp, source, profile.Local, icmp.Ip);
    }

    // The first octets of a packet of ours; its header tells the length that the whole had.
    private byte[] Quote(QuotedText text)
    {
        if (text.Kind == QuotedKind.Raw) return new byte[Math.Max(0, text.Length - IcmpMessage.HeaderSize)];
        byte[] quoted = new byte[8];
        BinaryPrimitives.WriteUInt16BigEndian(quoted, flow.LocalPort);
        BinaryPrimitives.WriteUInt16BigEndian(quoted.AsSpan(2), flow.RemotePort);
        bool tcp = text.Kind == QuotedKind.Tcp;
        if (tcp) BinaryPrimitives.WriteUInt32BigEndian(quoted.AsSpan(4), flow.ToLocal(text.Sequence));
        else BinaryPrimitives.WriteUInt16BigEndian(quoted.AsSpan(4), (ushort)(UdpHeader.Size + text.Length));
        int missing = (tcp ? TcpHeader.MinimumSize : UdpHeader.Size) - quoted.Length + text.Length;
        return WithIp(quoted, tcp ? IpProtocol.Tcp : IpProtocol.Udp, profile.Local, profile.Remote, IpMarks.None, missing);
    }

    private byte[] Options(IReadOnlyList<TcpOption> options)
    {
        List<byte> bytes = [];
        foreach (TcpOption option in options) Write(bytes, option);
        while (bytes.Count % 4 != 0) bytes.Add(0);
        return [.. bytes];
    }

    private void Write(List<byte> bytes, TcpOption option)
    {
        bytes.Add(option.Kind);
        if (option.Kind <= OptionText.NoOperation) return;
        bytes.Add((byte)OptionText.Size(option));
        if (option.Octets is { } octets) { bytes.AddRange(octets); return; }
        switch (option.Kind)
        {
            case OptionText.MaximumSegmentSize: bytes.AddRange([(byte)(option.Values[0] >> 8), (byte)option.Values[0]]); break;
            case OptionText.WindowScale: bytes.Add((byte)option.Values[0]); break;
            case OptionText.Sack:
                foreach (uint edge in option.Values) Write(bytes, flow.ToLocal(edge));
                break;
            case OptionText.Timestamps:
                Write(bytes, option.Values[0]);
                Write(bytes, flow.ToLocalTimestamp(option.Values[1]));
                break;
        }
    }

    private static void Write(List<byte> bytes, uint value) =>
        bytes.AddRange([(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value]);

    private byte[] Wrap(byte[] transport, IpProtocol protocol, int checksumAt, IpMarks marks)
    {
        ulong sum = Checksum.Sum(transport, Checksum.PseudoHeader(profile.Remote, profile.Local, protocol, transport.Length));
        ushort checksum = (ushort)~Checksum.Fold(sum);
        // RFC 768: a checksum of zero is sent as all ones.
        BinaryPrimitives.WriteUInt16BigEndian(transport.AsSpan(checksumAt), checksum == 0 && protocol == IpProtocol.Udp ? ushort.MaxValue : checksum);
        return WithIp(transport, protocol, profile.Remote, profile.Local, marks);
    }

    private static byte[] WithIp(byte[] payload, IpProtocol protocol, IpAddress source, IpAddress destination, IpMarks marks, int missing = 0)
    {
        byte traffic = (byte)(marks.Tos ?? marks.Ecn ?? 0);
        byte hops = (byte)(marks.HopLimit ?? HopLimit);
        byte[] packet;
        if (source.IsV4)
        {
            packet = new byte[IpV4Header.MinimumSize + payload.Length];
            new IpV4Header
            {
                TotalLength = (ushort)(packet.Length + missing), DontFragment = true, HopLimit = hops, Protocol = protocol, Source = source,
                Destination = destination, TrafficClass = traffic,
            }.Write(packet);
        }
        else
        {
            packet = new byte[IpV6Header.Size + payload.Length];
            new IpV6Header
            {
                PayloadLength = (ushort)(payload.Length + missing), HopLimit = hops, NextHeader = protocol, Source = source, Destination = destination,
                TrafficClass = traffic, FlowLabel = marks.FlowLabel ?? 0,
            }.Write(packet);
        }
        payload.CopyTo(packet, packet.Length - payload.Length);
        return packet;
    }
}
