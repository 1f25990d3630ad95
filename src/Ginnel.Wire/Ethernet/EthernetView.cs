using System.Buffers.Binary;

namespace Ginnel.Wire;

/// <summary>
/// An Ethernet II frame that carries IPv4, IPv6 or ARP: every accessor is safe. It may have padding, which the packet's own length
/// cuts.
/// </summary>
public readonly ref struct EthernetView
{
    private readonly ReadOnlySpan<byte> _bytes;

    private EthernetView(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    /// <summary>The station or group that the frame is for.</summary>
    public MacAddress Destination => MacAddress.Read(_bytes);

    /// <summary>The sender; never a group.</summary>
    public MacAddress Source => MacAddress.Read(_bytes[6..]);

    /// <summary>What the frame carries.</summary>
    public EtherType Type => (EtherType)BinaryPrimitives.ReadUInt16BigEndian(_bytes[12..]);

    /// <summary>The packet and perhaps padding.</summary>
    public ReadOnlySpan<byte> Payload => _bytes[EthernetHeader.Size..];

    /// <summary>
    /// Checks length, source and type. IEEE 802.3 frames (type below 0x0600) are <see cref="DropReason.LlcFrame"/>, tagged ones
    /// <see cref="DropReason.VlanTagged"/>, everything else but IPv4, IPv6 and ARP <see cref="DropReason.UnknownEtherType"/>.
    /// </summary>
    public static DropReason TryParse(ReadOnlySpan<byte> bytes, out EthernetView view)
    {
        const int FirstEtherType = 0x0600;
        const int OldServiceVlan = 0x9100;
        view = default;
        if (bytes.Length < EthernetHeader.Size) return DropReason.Truncated;
        int type = BinaryPrimitives.ReadUInt16BigEndian(bytes[12..]);
        if (type < FirstEtherType) return DropReason.LlcFrame;
        if (type is (int)EtherType.Vlan or (int)EtherType.ServiceVlan or OldServiceVlan) return DropReason.VlanTagged;
        if ((EtherType)type is not (EtherType.IpV4 or EtherType.IpV6 or EtherType.Arp)) return DropReason.UnknownEtherType;
        if (MacAddress.Read(bytes[6..]).IsGroup) return DropReason.BadSource;
        view = new EthernetView(bytes);
        return DropReason.None;
    }
}

/// <summary>The Ethernet II header.</summary>
public struct EthernetHeader
{
    /// <summary>Bytes on the wire, without the frame check sequence, which no link of ours shows.</summary>
    public const int Size = 14;

    /// <summary>The station or group that the frame is for.</summary>
    public MacAddress Destination;

    /// <summary>The sender.</summary>
    public MacAddress Source;

    /// <summary>What the frame carries.</summary>
    public EtherType Type;

    /// <summary>The fields of a parsed frame.</summary>
    public static EthernetHeader Read(in EthernetView view) =>
        new() { Destination = view.Destination, Source = view.Source, Type = view.Type };

    /// <summary>Writes 14 bytes.</summary>
    /// <returns>Bytes written.</returns>
    public readonly int Write(Span<byte> destination)
    {
        Destination.Write(destination);
        Source.Write(destination[6..]);
        BinaryPrimitives.WriteUInt16BigEndian(destination[12..], (ushort)Type);
        return Size;
    }
}
