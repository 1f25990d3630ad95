using System.Buffers.Binary;

namespace Ginnel.Wire;

/// <summary>Options of neighbor discovery (RFC 4861 section 4.6, RFC 8106) that Ginnel knows; others are skipped.</summary>
public enum NeighborOptionType : byte
{
    /// <summary>The sender's link-layer address.</summary>
    SourceLinkLayer = 1,
    /// <summary>The target's link-layer address.</summary>
    TargetLinkLayer = 2,
    /// <summary>An on-link or autoconfiguration prefix.</summary>
    PrefixInformation = 3,
    /// <summary>The packet that a redirect is about.</summary>
    RedirectedHeader = 4,
    /// <summary>The link's MTU.</summary>
    Mtu = 5,
    /// <summary>A number that tells one's own solicitations from others' (RFC 7527).</summary>
    Nonce = 14,
    /// <summary>A prefix that is reached through the router (RFC 4191).</summary>
    RouteInformation = 24,
    /// <summary>Recursive DNS servers.</summary>
    RecursiveDnsServer = 25,
}

/// <summary>How a router compares with others (RFC 4191 section 2.1), as on the wire.</summary>
public enum RouterPreference : byte
{
    /// <summary>Neither.</summary>
    Medium = 0,
    /// <summary>Before others.</summary>
    High = 1,
    /// <summary>Only where there is no other.</summary>
    Low = 3,
}

/// <summary>
/// One option, its length checked. Typed accessors answer false when the option is of another type or an impossible length.
/// </summary>
public readonly ref struct NeighborOption
{
    private readonly ReadOnlySpan<byte> _bytes;

    internal NeighborOption(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    /// <summary>The option's type.</summary>
    public NeighborOptionType Type => (NeighborOptionType)_bytes[0];

    /// <summary>The option behind type and length: 6 bytes or 8n + 6.</summary>
    public ReadOnlySpan<byte> Body => _bytes[2..];

    /// <summary>The address of a source or target link-layer address option on Ethernet; false for a group or zero address.</summary>
    public bool TryGetLinkLayer(out MacAddress address)
    {
        address = default;
        if (Type is not (NeighborOptionType.SourceLinkLayer or NeighborOptionType.TargetLinkLayer) || _bytes.Length != 8) return false;
        address = MacAddress.Read(_bytes[2..]);
        return !address.IsGroup && !address.IsZero;
    }

    /// <summary>The link's MTU.</summary>
    public bool TryGetMtu(out uint mtu)
    {
        mtu = 0;
        if (Type != NeighborOptionType.Mtu || _bytes.Length != 8) return false;
        mtu = BinaryPrimitives.ReadUInt32BigEndian(_bytes[4..]);
        return true;
    }

    /// <summary>
    /// The prefix; false if it is link-local or multicast (RFC 4861 section 6.3.4), IPv4-mapped, or longer than 128 bits.
    /// </summary>
    public bool TryGetPrefix(out PrefixInformation prefix)
    {
        prefix = default;
        if (Type != NeighborOptionType.PrefixInformation || _bytes.Length != 32 || _bytes[2] > 128) return false;
        IpAddress address = IpAddress.Read(_bytes[16..32]);
        if (address.IsV4 || address.IsLinkLocal || address.IsMulticast) return false;
        prefix = new PrefixInformation(new IpPrefix(address, _bytes[2]), (_bytes[3] & 0x80) != 0, (_bytes[3] & 0x40) != 0,
            BinaryPrimitives.ReadUInt32BigEndian(_bytes[4..]), BinaryPrimitives.ReadUInt32BigEndian(_bytes[8..]));
        return true;
    }

    /// <summary>A route through the sender (RFC 4191 section 2.3); false if it is malformed or its preference the reserved one.</summary>
    /// <param name="prefix">Where it leads.</param>
    /// <param name="preference">How it compares with other routers' routes to the same prefix.</param>
    /// <param name="lifetimeSeconds">How long it lasts; all ones is for ever, 0 means no longer.</param>
    public bool TryGetRoute(out IpPrefix prefix, out RouterPreference preference, out uint lifetimeSeconds)
    {
        (prefix, preference, lifetimeSeconds) = (default, default, 0);
        if (Type != NeighborOptionType.RouteInformation || _bytes.Length > 24 || _bytes[2] > 128) return false;
        int given = _bytes.Length - 8;
        if (_bytes[2] > given * 8 || (_bytes[3] & 0x18) == 0x10) return false;
        Span<byte> address = stackalloc byte[16];
        _bytes[8..].CopyTo(address);
        prefix = new IpPrefix(IpAddress.Read(address), _bytes[2]);
        preference = (RouterPreference)(_bytes[3] >> 3 & 3);
        lifetimeSeconds = BinaryPrimitives.ReadUInt32BigEndian(_bytes[4..]);
        return !prefix.Address.IsV4 && !prefix.Address.IsMulticast && !prefix.Address.IsLinkLocal;
    }

    /// <summary>Recursive DNS servers (RFC 8106 section 5.1).</summary>
    /// <param name="lifetimeSeconds">How long they may be used; 0 means no longer.</param>
    /// <param name="addresses">16 bytes per server; see <see cref="IpAddress.Read"/>.</param>
    public bool TryGetDnsServers(out uint lifetimeSeconds, out ReadOnlySpan<byte> addresses)
    {
        lifetimeSeconds = 0;
        addresses = default;
        if (Type != NeighborOptionType.RecursiveDnsServer || _bytes.Length < 24 || (_bytes.Length - 8) % 16 != 0) return false;
        lifetimeSeconds = BinaryPrimitives.ReadUInt32BigEndian(_bytes[4..]);
        addresses = _bytes[8..];
        return true;
    }
}

/// <summary>Enumerates options whose lengths were checked when the message was parsed.</summary>
public ref struct NeighborOptions
{
    private ReadOnlySpan<byte> _rest;
    private NeighborOption _current;

    internal NeighborOptions(ReadOnlySpan<byte> bytes) => _rest = bytes;

    /// <summary>The present option.</summary>
    public readonly NeighborOption Current => _current;

    /// <summary>For <c>foreach</c>.</summary>
    public readonly NeighborOptions GetEnumerator() => this;

    /// <summary>Moves to the next option.</summary>
    public bool MoveNext()
    {
        if (_rest.Length < 8) return false;
        int length = 8 * _rest[1];
        if (length == 0 || length > _rest.Length) return false;
        _current = new NeighborOption(_rest[..length]);
        _rest = _rest[length..];
        return true;
    }

    // RFC 4861 section 6.1: an option of length zero condemns the message.
    internal static bool AreWellFormed(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (bytes.Length < 8 || bytes[1] == 0 || 8 * bytes[1] > bytes.Length) return false;
            bytes = bytes[(8 * bytes[1])..];
        }
        return true;
    }
}

/// <summary>A prefix that a router advertises (RFC 4861 section 4.6.2).</summary>
/// <param name="Prefix">The prefix.</param>
/// <param name="OnLink">Whether addresses in it are neighbors.</param>
/// <param name="Autonomous">Whether hosts may form addresses in it (RFC 4862).</param>
/// <param name="ValidSeconds">How long the prefix is valid; all ones is for ever.</param>
/// <param name="PreferredSeconds">How long addresses formed from it are preferred; not above <paramref name="ValidSeconds"/>.</param>
public readonly record struct PrefixInformation(IpPrefix Prefix, bool OnLink, bool Autonomous, uint ValidSeconds, uint PreferredSeconds);
