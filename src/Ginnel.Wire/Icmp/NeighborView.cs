using System.Buffers.Binary;

namespace Ginnel.Wire;

/// <summary>
/// A neighbor discovery message that has passed RFC 4861's validity checks (sections 6.1.1, 6.1.2, 7.1.1, 7.1.2, 8.1) and came
/// in one piece (RFC 6980). Accessors that belong to another type of message are safe and meaningless.
/// </summary>
public readonly ref struct NeighborView
{
    private readonly ReadOnlySpan<byte> _bytes;
    private readonly byte _optionsAt;

    private NeighborView(ReadOnlySpan<byte> bytes, int optionsAt)
    {
        _bytes = bytes;
        _optionsAt = (byte)optionsAt;
    }

    /// <summary>Which of the five messages this is.</summary>
    public IcmpV6Type Type => (IcmpV6Type)_bytes[0];

    /// <summary>
    /// The address asked for or told about, in neighbor solicitation, neighbor advertisement and redirect; otherwise <c>::</c>.
    /// </summary>
    public IpAddress Target => HasTarget ? IpAddress.Read(_bytes[8..24]) : default;

    /// <summary>The destination that a redirect is about; otherwise <c>::</c>.</summary>
    public IpAddress RedirectDestination => Type == IcmpV6Type.Redirect ? IpAddress.Read(_bytes[24..40]) : default;

    /// <summary>Neighbor advertisement: the sender is a router.</summary>
    public bool IsRouter => (_bytes[4] & 0x80) != 0;

    /// <summary>Neighbor advertisement: it answers a solicitation.</summary>
    public bool IsSolicited => (_bytes[4] & 0x40) != 0;

    /// <summary>Neighbor advertisement: it overrides a cached link-layer address.</summary>
    public bool IsOverride => (_bytes[4] & 0x20) != 0;

    /// <summary>Router advertisement: hop limit for hosts to use; 0 when unspecified.</summary>
    public byte CurrentHopLimit => _bytes[4];

    /// <summary>Router advertisement: addresses are to be had by DHCPv6.</summary>
    public bool IsManaged => (_bytes[5] & 0x80) != 0;

    /// <summary>Router advertisement: other configuration is to be had by DHCPv6.</summary>
    public bool HasOtherConfiguration => (_bytes[5] & 0x40) != 0;

    /// <summary>
    /// Router advertisement: how the router compares with others; the reserved value, and that of no default router, count as medium
    /// (RFC 4191 section 2.2).
    /// </summary>
    public RouterPreference RouterPreference =>
        RouterLifetimeSeconds == 0 || (_bytes[5] & 0x18) == 0x10 ? RouterPreference.Medium : (RouterPreference)(_bytes[5] >> 3 & 3);

    /// <summary>Router advertisement: seconds for which the sender is a default router; 0 when it is none.</summary>
    public ushort RouterLifetimeSeconds => BinaryPrimitives.ReadUInt16BigEndian(_bytes[6..]);

    /// <summary>Router advertisement: how long a confirmed neighbor counts as reachable; 0 when unspecified.</summary>
    public uint ReachableMilliseconds => Type == IcmpV6Type.RouterAdvertisement ? BinaryPrimitives.ReadUInt32BigEndian(_bytes[8..]) : 0;

    /// <summary>Router advertisement: time between solicitations; 0 when unspecified.</summary>
    public uint RetransmitMilliseconds => Type == IcmpV6Type.RouterAdvertisement ? BinaryPrimitives.ReadUInt32BigEndian(_bytes[12..]) : 0;

    /// <summary>The options.</summary>
    public NeighborOptions Options => new(_bytes[_optionsAt..]);

    /// <summary>The nonce of 48 bits in a solicitation (RFC 3971 section 5.3.2, RFC 7527); 0 where there is none or one of another length.</summary>
    public ulong Nonce
    {
        get
        {
            foreach (NeighborOption option in Options)
            {
                if (option.Type == NeighborOptionType.Nonce && option.Body.Length == 6)
                    return (ulong)BinaryPrimitives.ReadUInt16BigEndian(option.Body) << 32 | BinaryPrimitives.ReadUInt32BigEndian(option.Body[2..]);
            }
            return 0;
        }
    }

    private bool HasTarget => Type is IcmpV6Type.NeighborSolicitation or IcmpV6Type.NeighborAdvertisement or IcmpV6Type.Redirect;

    /// <summary>The first link-layer address option of this type, if it holds a station's address.</summary>
    public bool TryGetLinkLayer(NeighborOptionType type, out MacAddress address)
    {
        foreach (NeighborOption option in Options)
            if (option.Type == type) return option.TryGetLinkLayer(out address);
        address = default;
        return false;
    }

    /// <summary>
    /// Checks a message. Any failure of RFC 4861's rules is <see cref="DropReason.BadNeighborMessage"/>; a message that is not
    /// neighbor discovery is <see cref="DropReason.Ignored"/>. The ICMPv6 checksum is the caller's to verify.
    /// </summary>
    public static DropReason TryParse(scoped in IpV6View ip, scoped in IcmpV6View icmp, out NeighborView view)
    {
        view = default;
        int size = FixedSize(icmp.Type);
        if (size == 0) return DropReason.Ignored;
        ReadOnlySpan<byte> bytes = icmp.Bytes;
        // Hop limit 255 proves that no router has forwarded it; a fragment hides options from filters (RFC 6980 section 5).
        if (ip.HopLimit != 255 || ip.HasFragmentHeader || icmp.Code != 0 || bytes.Length < size) return DropReason.BadNeighborMessage;
        if (!NeighborOptions.AreWellFormed(bytes[size..])) return DropReason.BadNeighborMessage;
        NeighborView message = new(bytes, size);
        if (!message.HasValidAddresses(ip.Source, ip.Destination)) return DropReason.BadNeighborMessage;
        view = message;
        return DropReason.None;
    }

    private static int FixedSize(IcmpV6Type type) => type switch
    {
        IcmpV6Type.RouterSolicitation => 8,
        IcmpV6Type.RouterAdvertisement => 16,
        IcmpV6Type.NeighborSolicitation or IcmpV6Type.NeighborAdvertisement => 24,
        IcmpV6Type.Redirect => 40,
        _ => 0,
    };

    private bool HasValidAddresses(IpAddress source, IpAddress destination)
    {
        if (source.IsMulticast || HasTarget && (Target.IsMulticast || Target.IsV4)) return false;
        return Type switch
        {
            IcmpV6Type.RouterSolicitation => !source.IsUnspecified || !HasOption(NeighborOptionType.SourceLinkLayer),
            IcmpV6Type.RouterAdvertisement => source.IsLinkLocal,
            // From "::" it is duplicate address detection, which goes to the group and names no link-layer address.
            IcmpV6Type.NeighborSolicitation => !source.IsUnspecified
                || destination == IpAddress.SolicitedNode(Target) && !HasOption(NeighborOptionType.SourceLinkLayer),
            IcmpV6Type.NeighborAdvertisement => !(destination.IsMulticast && IsSolicited),
            _ => source.IsLinkLocal && !RedirectDestination.IsMulticast && !RedirectDestination.IsV4
                && (Target.IsLinkLocal || Target == RedirectDestination),
        };
    }

    private bool HasOption(NeighborOptionType type)
    {
        foreach (NeighborOption option in Options)
            if (option.Type == type) return true;
        return false;
    }
}
