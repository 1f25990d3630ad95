using System.Buffers.Binary;

namespace Ginnel.Wire;

/// <summary>What the two lowest bits of the traffic class say (RFC 3168 section 5).</summary>
public enum EcnCodepoint : byte
{
    /// <summary>The transport would not understand a mark: a congested router drops the packet.</summary>
    NotEct = 0,
    /// <summary>ECT(1): the transport understands marks; kept for experiments (RFC 8311 section 3.1).</summary>
    Ect1 = 1,
    /// <summary>ECT(0): the transport understands marks.</summary>
    Ect0 = 2,
    /// <summary>CE: the packet has met congestion.</summary>
    CongestionExperienced = 3,
}

/// <summary>Reads, writes and combines the ECN field of IP packets of both versions.</summary>
public static class EcnField
{
    /// <summary>The field of a packet that begins with its IP header, or not-ECT where there is none.</summary>
    public static EcnCodepoint Read(ReadOnlySpan<byte> packet)
    {
        if (packet.Length < 2) return EcnCodepoint.NotEct;
        return (packet[0] >> 4) switch
        {
            4 => (EcnCodepoint)(packet[1] & 3),
            6 => (EcnCodepoint)(packet[1] >> 4 & 3),
            _ => EcnCodepoint.NotEct,
        };
    }

    /// <summary>Replaces the field and, in IPv4, brings the header's checksum up to date (RFC 1624). What is no IP header is left alone.</summary>
    public static void Write(Span<byte> packet, EcnCodepoint value)
    {
        if (packet.Length < IpV4Header.MinimumSize) return;
        switch (packet[0] >> 4)
        {
            case 4:
                ushort before = BinaryPrimitives.ReadUInt16BigEndian(packet);
                packet[1] = (byte)(packet[1] & ~3 | (int)value);
                ushort after = BinaryPrimitives.ReadUInt16BigEndian(packet);
                int sum = (ushort)~BinaryPrimitives.ReadUInt16BigEndian(packet[10..]) + (ushort)~before + after;
                sum = (sum & 0xFFFF) + (sum >> 16);
                sum = (sum & 0xFFFF) + (sum >> 16);
                BinaryPrimitives.WriteUInt16BigEndian(packet[10..], (ushort)~sum);
                break;
            case 6:
                packet[1] = (byte)(packet[1] & ~0x30 | (int)value << 4);
                break;
        }
    }

    /// <summary>
    /// What a router does that would otherwise drop a packet because it is congested: marks it, if its sender allows it (RFC 3168 section 5).
    /// </summary>
    /// <returns>Whether it was marked; false: it has to be dropped.</returns>
    public static bool TryMark(Span<byte> packet)
    {
        EcnCodepoint before = Read(packet);
        if (before == EcnCodepoint.NotEct) return false;
        if (before != EcnCodepoint.CongestionExperienced) Write(packet, EcnCodepoint.CongestionExperienced);
        return true;
    }

    /// <summary>
    /// What becomes of the field of a packet that comes out of a tunnel (RFC 6040 section 4.2, figure 4).
    /// </summary>
    /// <param name="inner">The field of the packet that was carried.</param>
    /// <param name="outer">The field with which its carrier arrived.</param>
    /// <param name="combined">What the packet goes on with.</param>
    /// <returns>False: the packet must be dropped, for it met congestion and its transport would not understand a mark.</returns>
    public static bool TryCombine(EcnCodepoint inner, EcnCodepoint outer, out EcnCodepoint combined)
    {
        combined = inner;
        if (inner == EcnCodepoint.NotEct) return outer != EcnCodepoint.CongestionExperienced;
        if (outer == EcnCodepoint.CongestionExperienced || (outer == EcnCodepoint.Ect1 && inner == EcnCodepoint.Ect0)) combined = outer;
        return true;
    }
}
