using System.Buffers.Binary;

namespace Ginnel.Wire;

/// <summary>What a router tells of itself and its link (RFC 4861 section 4.2).</summary>
public ref struct RouterAdvertisement
{
    /// <summary>Hop limit for hosts to use; 0 leaves it open.</summary>
    public byte CurrentHopLimit;

    /// <summary>Addresses are to be had by DHCPv6.</summary>
    public bool IsManaged;

    /// <summary>Other configuration is to be had by DHCPv6.</summary>
    public bool HasOtherConfiguration;

    /// <summary>How the sender compares with other routers.</summary>
    public RouterPreference Preference;

    /// <summary>Seconds for which the sender is a default router; 0 when it is none.</summary>
    public ushort RouterLifetimeSeconds;

    /// <summary>How long a confirmed neighbor counts as reachable; 0 leaves it open.</summary>
    public uint ReachableMilliseconds;

    /// <summary>Time between solicitations; 0 leaves it open.</summary>
    public uint RetransmitMilliseconds;

    /// <summary>The router's station; zero leaves the option out (a link without link-layer addresses).</summary>
    public MacAddress SourceLinkLayer;

    /// <summary>The link's MTU; 0 leaves the option out.</summary>
    public uint Mtu;

    /// <summary>The prefixes.</summary>
    public ReadOnlySpan<PrefixInformation> Prefixes;

    /// <summary>How long the DNS servers may be used.</summary>
    public uint DnsLifetimeSeconds;

    /// <summary>Recursive DNS servers, IPv6 addresses; at most 127.</summary>
    public ReadOnlySpan<IpAddress> DnsServers;

    /// <summary>Bytes that the message takes.</summary>
    public readonly int Size => 16 + (SourceLinkLayer.IsZero ? 0 : 8) + (Mtu == 0 ? 0 : 8) + 32 * Prefixes.Length
        + (DnsServers.IsEmpty ? 0 : 8 + 16 * DnsServers.Length);
}

/// <summary>
/// Writes neighbor discovery messages, checksum included. The packet must go out with hop limit 255. Each method returns the
/// bytes written; a link-layer address of zero leaves the option out.
/// </summary>
public static class NeighborMessage
{
    /// <summary>Neighbor solicitation (RFC 4861 section 4.3); without link-layer address when the source is unspecified.</summary>
    public static int WriteSolicitation(Span<byte> message, IpAddress source, IpAddress destination, IpAddress target,
        MacAddress sourceLinkLayer)
    {
        BinaryPrimitives.WriteUInt32BigEndian(message[4..], 0);
        target.Write(message[8..24]);
        int size = 24 + WriteLinkLayer(message[24..], NeighborOptionType.SourceLinkLayer, sourceLinkLayer);
        return IcmpV6Message.Finish(message[..size], source, destination, IcmpV6Type.NeighborSolicitation, 0);
    }

    /// <summary>
    /// The question of one who wants an address, whether it is free: from <c>::</c> (RFC 4862 section 5.4.2), with a nonce of 48 bits by
    /// which it is known when the link brings it back (RFC 7527 section 4.1). 32 bytes.
    /// </summary>
    public static int WriteDuplicateCheck(Span<byte> message, IpAddress group, IpAddress target, ulong nonce)
    {
        BinaryPrimitives.WriteUInt32BigEndian(message[4..], 0);
        target.Write(message[8..24]);
        BinaryPrimitives.WriteUInt64BigEndian(message[24..], nonce & 0xFFFF_FFFF_FFFF);
        message[24] = (byte)NeighborOptionType.Nonce;
        message[25] = 1;
        return IcmpV6Message.Finish(message[..32], IpAddress.AnyV6, group, IcmpV6Type.NeighborSolicitation, 0);
    }

    /// <summary>Neighbor advertisement (RFC 4861 section 4.4).</summary>
    public static int WriteAdvertisement(Span<byte> message, IpAddress source, IpAddress destination, IpAddress target,
        MacAddress targetLinkLayer, bool isRouter, bool isSolicited, bool isOverride)
    {
        uint flags = (isRouter ? 0x8000_0000u : 0) | (isSolicited ? 0x4000_0000u : 0) | (isOverride ? 0x2000_0000u : 0);
        BinaryPrimitives.WriteUInt32BigEndian(message[4..], flags);
        target.Write(message[8..24]);
        int size = 24 + WriteLinkLayer(message[24..], NeighborOptionType.TargetLinkLayer, targetLinkLayer);
        return IcmpV6Message.Finish(message[..size], source, destination, IcmpV6Type.NeighborAdvertisement, 0);
    }

    /// <summary>Router solicitation (RFC 4861 section 4.1); without link-layer address when the source is unspecified.</summary>
    public static int WriteRouterSolicitation(Span<byte> message, IpAddress source, IpAddress destination, MacAddress sourceLinkLayer)
    {
        BinaryPrimitives.WriteUInt32BigEndian(message[4..], 0);
        int size = 8 + WriteLinkLayer(message[8..], NeighborOptionType.SourceLinkLayer, sourceLinkLayer);
        return IcmpV6Message.Finish(message[..size], source, destination, IcmpV6Type.RouterSolicitation, 0);
    }

    /// <summary>Router advertisement (RFC 4861 section 4.2), <see cref="RouterAdvertisement.Size"/> bytes.</summary>
    public static int WriteRouterAdvertisement(Span<byte> message, IpAddress source, IpAddress destination,
        in RouterAdvertisement advertisement)
    {
        message = message[..advertisement.Size];
        message[4] = advertisement.CurrentHopLimit;
        message[5] = (byte)((advertisement.IsManaged ? 0x80 : 0) | (advertisement.HasOtherConfiguration ? 0x40 : 0)
            | (advertisement.RouterLifetimeSeconds == 0 ? 0 : (int)advertisement.Preference << 3));
        BinaryPrimitives.WriteUInt16BigEndian(message[6..], advertisement.RouterLifetimeSeconds);
        BinaryPrimitives.WriteUInt32BigEndian(message[8..], advertisement.ReachableMilliseconds);
        BinaryPrimitives.WriteUInt32BigEndian(message[12..], advertisement.RetransmitMilliseconds);
        Span<byte> options = message[16..];
        options = options[WriteLinkLayer(options, NeighborOptionType.SourceLinkLayer, advertisement.SourceLinkLayer)..];
        if (advertisement.Mtu != 0)
        {
            Start(options, NeighborOptionType.Mtu, 8);
            BinaryPrimitives.WriteUInt32BigEndian(options[4..], advertisement.Mtu);
            options = options[8..];
        }
        foreach (ref readonly PrefixInformation prefix in advertisement.Prefixes)
        {
            WritePrefix(options, prefix);
            options = options[32..];
        }
        if (!advertisement.DnsServers.IsEmpty) WriteDnsServers(options, advertisement.DnsLifetimeSeconds, advertisement.DnsServers);
        return IcmpV6Message.Finish(message, source, destination, IcmpV6Type.RouterAdvertisement, 0);
    }

    private static void WritePrefix(Span<byte> option, in PrefixInformation prefix)
    {
        Start(option, NeighborOptionType.PrefixInformation, 32);
        option[2] = (byte)prefix.Prefix.Length;
        option[3] = (byte)((prefix.OnLink ? 0x80 : 0) | (prefix.Autonomous ? 0x40 : 0));
        BinaryPrimitives.WriteUInt32BigEndian(option[4..], prefix.ValidSeconds);
        BinaryPrimitives.WriteUInt32BigEndian(option[8..], prefix.PreferredSeconds);
        prefix.Prefix.Address.Write(option[16..32]);
    }

    private static void WriteDnsServers(Span<byte> option, uint lifetimeSeconds, ReadOnlySpan<IpAddress> servers)
    {
        Start(option, NeighborOptionType.RecursiveDnsServer, 8 + 16 * servers.Length);
        BinaryPrimitives.WriteUInt32BigEndian(option[4..], lifetimeSeconds);
        for (int i = 0; i < servers.Length; i++) servers[i].Write(option.Slice(8 + 16 * i, 16));
    }

    private static int WriteLinkLayer(Span<byte> option, NeighborOptionType type, MacAddress address)
    {
        if (address.IsZero) return 0;
        Start(option, type, 8);
        address.Write(option[2..]);
        return 8;
    }

    private static void Start(Span<byte> option, NeighborOptionType type, int length)
    {
        option[..length].Clear();
        option[0] = (byte)type;
        option[1] = (byte)(length / 8);
    }
}
