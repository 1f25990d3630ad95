using System.Buffers.Binary;
using Ginnel.PacketScripts.Syntax;
using Ginnel.Wire;

namespace Ginnel.PacketScripts.Running;

/// <summary>Turns written segments and ICMP errors into packets from the peer.</summary>
internal sealed class SegmentBuilder(Profile profile, NumberMap numbers)
{
    internal byte[] Build(TcpText text, ushort localPort, ushort remotePort)
    {
        byte[] options = Options(text.Options ?? []);
        byte[] segment = new byte[TcpHeader.MinimumSize + options.Length + text.Length];
        var header = new TcpHeader
        {
            SourcePort = remotePort,
            DestinationPort = localPort,
            Sequence = new SequenceNumber(text.Sequence),
            Acknowledgment = new SequenceNumber(text.Acknowledgment is { } acknowledgment ? numbers.ToLocal(acknowledgment) : 0),
            Flags = Flags(text.Flags),
            Window = (ushort)(text.Window ?? 0),
            UrgentPointer = (ushort)(text.Urgent ?? 0),
        };
        header.Write(segment);
        segment[12] = (byte)((TcpHeader.MinimumSize + options.Length) / 4 << 4);
        options.CopyTo(segment, TcpHeader.MinimumSize);
        return Wrap(segment, IpProtocol.Tcp, 16);
    }

    /// <summary>An error about a segment that we sent with this sequence number.</summary>
    internal byte[] Build(int line, IcmpAction icmp, ushort localPort, ushort remotePort)
    {
        byte[] quoted = new byte[8];
        BinaryPrimitives.WriteUInt16BigEndian(quoted, localPort);
        BinaryPrimitives.WriteUInt16BigEndian(quoted.AsSpan(2), remotePort);
        BinaryPrimitives.WriteUInt32BigEndian(quoted.AsSpan(4), numbers.ToLocal(icmp.QuotedSequence));
        // The quoted header tells the length that the packet had, though only its first octets are quoted.
        int missing = TcpHeader.MinimumSize - quoted.Length + icmp.QuotedLength;
        byte[] original = WithIp(quoted, IpProtocol.Tcp, profile.Local, profile.Remote, missing);
        byte[] message = new byte[IcmpMessage.HeaderSize + original.Length];
        if (profile.IsV6)
        {
            WriteV6(line, icmp, message, original);
            return WithIp(message, IpProtocol.IcmpV6, profile.Gateway, profile.Local);
        }
        WriteV4(line, icmp, message, original);
        return WithIp(message, IpProtocol.Icmp, profile.Gateway, profile.Local);
    }

    internal static TcpFlags Flags(string text)
    {
        TcpFlags flags = TcpFlags.None;
        foreach (char letter in text)
        {
            flags |= letter switch
            {
                'F' => TcpFlags.Fin, 'S' => TcpFlags.Syn, 'R' => TcpFlags.Rst, 'P' => TcpFlags.Psh, '.' or 'A' => TcpFlags.Ack,
                'U' => TcpFlags.Urg, 'E' => TcpFlags.Ece, 'W' or 'C' => TcpFlags.Cwr, _ => TcpFlags.None,
            };
        }
        return flags;
    }

    private static void WriteV4(int line, IcmpAction icmp, byte[] message, byte[] original)
    {
        if (icmp is { Type: "unreachable", Code: "frag_needed" }) { IcmpMessage.WriteFragmentationNeeded(message, (ushort)icmp.Mtu, original); return; }
        IcmpMessage.WriteUnreachable(message, (icmp.Type, icmp.Code) switch
        {
            ("unreachable", "net_unreachable") => (IcmpUnreachableCode)0,
            ("unreachable", "host_unreachable" or null) => (IcmpUnreachableCode)1,
            ("unreachable", "protocol_unreachable") => (IcmpUnreachableCode)2,
            ("unreachable", "port_unreachable") => (IcmpUnreachableCode)3,
            ("unreachable", "pkt_filtered") => (IcmpUnreachableCode)13,
            _ => throw new ScriptException(line, $"icmp {icmp.Type} {icmp.Code} is not known"),
        }, original);
    }

    private void WriteV6(int line, IcmpAction icmp, byte[] message, byte[] original)
    {
        if (icmp.Type == "packet_too_big") { IcmpV6Message.WritePacketTooBig(message, profile.Gateway, profile.Local, (uint)icmp.Mtu, original); return; }
        IcmpV6Message.WriteUnreachable(message, profile.Gateway, profile.Local, (icmp.Type, icmp.Code) switch
        {
            ("unreachable", "net_unreachable") => (IcmpV6UnreachableCode)0,
            ("unreachable", "pkt_filtered") => (IcmpV6UnreachableCode)1,
            ("unreachable", "host_unreachable" or null) => (IcmpV6UnreachableCode)3,
            ("unreachable", "port_unreachable") => (IcmpV6UnreachableCode)4,
            _ => throw new ScriptException(line, $"icmp {icmp.Type} {icmp.Code} is not known"),
        }, original);
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
        switch (option.Name)
        {
            case "eol": bytes.Add(0); break;
            case "nop": bytes.Add(1); break;
            case "mss": bytes.AddRange([2, 4, (byte)(option.Values[0] >> 8), (byte)option.Values[0]]); break;
            case "wscale": bytes.AddRange([3, 3, (byte)option.Values[0]]); break;
            case "sackOK": bytes.AddRange([4, 2]); break;
            case "sack":
                bytes.AddRange([5, (byte)(2 + 4 * option.Values.Count)]);
                foreach (uint edge in option.Values) Write(bytes, numbers.ToLocal(edge));
                break;
            case "TS":
                bytes.AddRange([8, 10]);
                Write(bytes, option.Values[0]);
                Write(bytes, numbers.ToLocalTimestamp(option.Values[1]));
                break;
        }
    }

    private static void Write(List<byte> bytes, uint value) =>
        bytes.AddRange([(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value]);

    private byte[] Wrap(byte[] transport, IpProtocol protocol, int checksumAt)
    {
        ulong sum = Checksum.Sum(transport, Checksum.PseudoHeader(profile.Remote, profile.Local, protocol, transport.Length));
        BinaryPrimitives.WriteUInt16BigEndian(transport.AsSpan(checksumAt), (ushort)~Checksum.Fold(sum));
        return WithIp(transport, protocol, profile.Remote, profile.Local);
    }

    private static byte[] WithIp(byte[] payload, IpProtocol protocol, IpAddress source, IpAddress destination, int missing = 0)
    {
        byte[] packet;
        if (source.IsV4)
        {
            packet = new byte[IpV4Header.MinimumSize + payload.Length];
            new IpV4Header
            {
                TotalLength = (ushort)(packet.Length + missing), DontFragment = true, HopLimit = 64, Protocol = protocol, Source = source,
                Destination = destination,
            }.Write(packet);
        }
        else
        {
            packet = new byte[IpV6Header.Size + payload.Length];
            new IpV6Header
            {
                PayloadLength = (ushort)(payload.Length + missing), HopLimit = 64, NextHeader = protocol, Source = source, Destination = destination,
            }.Write(packet);
        }
        payload.CopyTo(packet, packet.Length - payload.Length);
        return packet;
    }
}
