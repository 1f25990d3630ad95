using System.Buffers.Binary;

namespace Ginnel.Wire;

/// <summary>What an ARP packet asks or tells.</summary>
public enum ArpOperation : ushort
{
    /// <summary>Who has the target address?</summary>
    Request = 1,
    /// <summary>I have the sender address.</summary>
    Reply = 2,
}

/// <summary>An ARP packet for IPv4 on Ethernet (RFC 826): every accessor is safe.</summary>
public readonly ref struct ArpView
{
    private readonly ReadOnlySpan<byte> _bytes;

    private ArpView(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    /// <summary>Request or reply.</summary>
    public ArpOperation Operation => (ArpOperation)BinaryPrimitives.ReadUInt16BigEndian(_bytes[6..]);

    /// <summary>The sender's station; never a group.</summary>
    public MacAddress SenderMac => MacAddress.Read(_bytes[8..]);

    /// <summary>The sender's address; 0.0.0.0 in a probe (RFC 5227 section 2.1.1).</summary>
    public IpAddress SenderAddress => IpAddress.Read(_bytes[14..18]);

    /// <summary>The target's station; meaningless in a request.</summary>
    public MacAddress TargetMac => MacAddress.Read(_bytes[18..]);

    /// <summary>The address asked for, or the asker's own in a reply.</summary>
    public IpAddress TargetAddress => IpAddress.Read(_bytes[24..28]);

    /// <summary>
    /// Checks length, hardware and protocol type, operation, and that the sender is a station (attack case: replies from a group
    /// address).
    /// </summary>
    public static DropReason TryParse(ReadOnlySpan<byte> bytes, out ArpView view)
    {
        const ulong EthernetAndIpV4 = 0x0001_0800_0604;
        view = default;
        if (bytes.Length < ArpHeader.Size) return DropReason.Truncated;
        ulong start = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        if (start >> 16 != EthernetAndIpV4) return DropReason.BadField;
        if ((ArpOperation)(ushort)start is not (ArpOperation.Request or ArpOperation.Reply)) return DropReason.BadField;
        MacAddress sender = MacAddress.Read(bytes[8..]);
        if (sender.IsGroup || sender.IsZero) return DropReason.BadSource;
        view = new ArpView(bytes[..ArpHeader.Size]);
        return DropReason.None;
    }
}

/// <summary>What an ARP packet for IPv4 on Ethernet means (RFC 826).</summary>
public struct ArpHeader
{
    /// <summary>Bytes on the wire.</summary>
    public const int Size = 28;

    /// <summary>Request or reply.</summary>
    public ArpOperation Operation;

    /// <summary>The sender's station.</summary>
    public MacAddress SenderMac;

    /// <summary>The sender's IPv4 address.</summary>
    public IpAddress SenderAddress;

    /// <summary>The target's station; zero in a request.</summary>
    public MacAddress TargetMac;

    /// <summary>The target's IPv4 address.</summary>
    public IpAddress TargetAddress;

    /// <summary>The fields of a parsed packet.</summary>
    public static ArpHeader Read(in ArpView view) => new()
    {
        Operation = view.Operation,
        SenderMac = view.SenderMac,
        SenderAddress = view.SenderAddress,
        TargetMac = view.TargetMac,
        TargetAddress = view.TargetAddress,
    };

    /// <summary>Writes 28 bytes.</summary>
    /// <returns>Bytes written.</returns>
    public readonly int Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, 0x0001_0800_0604_0000UL | (ushort)Operation);
        SenderMac.Write(destination[8..]);
        SenderAddress.Write(destination[14..18]);
        TargetMac.Write(destination[18..]);
        TargetAddress.Write(destination[24..28]);
        return Size;
    }
}
