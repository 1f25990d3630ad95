using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>The interfaces of a stack, the internal one, and which addresses are own.</summary>
internal sealed class InterfaceTable
{
    private const int MaxInterfaces = 1_024;
    private const int ScanLimit = 8;
    private NetworkInterface[] _interfaces = [];
    private IpAddress[] _own = [];
    private HashSet<IpAddress>? _ownSet;

    /// <summary>Where packets to own addresses go out and come in again: no link, the largest MTU, every offload.</summary>
    internal NetworkInterface Internal { get; } = new(new InterfaceId(-1), new InterfaceOptions
    {
        Name = "internal",
        Link = new LinkProperties(LinkMedium.Ip, 65_535, LinkOffloads.All, Reliable: true),
    })
    {
        IsInternal = true,
        IsUp = true,
    };

    internal ReadOnlySpan<NetworkInterface> All => _interfaces;

    /// <summary>Adds an interface.</summary>
    /// <exception cref="ArgumentException">Options that cannot be meant.</exception>
    internal NetworkInterface Add(InterfaceOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        CheckLink(options.Link, options.Mac);
        if (options is { AcceptRouterAdvertisements: true, RouterAdvertisements: not null })
            throw new ArgumentException("An interface cannot both accept router advertisements and send them.", nameof(options));
        options.RouterAdvertisements?.Check(options.Link.Mtu);
        if (_interfaces.Length == MaxInterfaces) throw new InvalidOperationException($"A stack has at most {MaxInterfaces} interfaces.");
        NetworkInterface added = new(new InterfaceId(_interfaces.Length + 1), options);
        _interfaces = [.. _interfaces, added];
        return added;
    }

    /// <summary>Whether the stack can work with such a link.</summary>
    /// <exception cref="ArgumentException">It cannot.</exception>
    internal static void CheckLink(LinkProperties link, MacAddress mac)
    {
        if (link.Mtu is < 68 or > 65_535)
            throw new ArgumentException($"The MTU is {link.Mtu}; 68 to 65,535 bytes are possible (RFC 791).", nameof(link));
        if (link.Medium == LinkMedium.Ethernet && (mac.IsZero || mac.IsGroup))
            throw new ArgumentException($"{mac} cannot be a station's Ethernet address; it must be unicast and not zero.", nameof(mac));
    }

    internal NetworkInterface? Find(InterfaceId id)
    {
        int index = id.Index - 1;
        if ((uint)index < (uint)_interfaces.Length) return _interfaces[index];
        return id == Internal.Id ? Internal : null;
    }

    /// <summary>Whether an address belongs to any interface of the stack.</summary>
    internal bool IsOwn(IpAddress address) => _ownSet is null ? _own.AsSpan().Contains(address) : _ownSet.Contains(address);

    /// <summary>Recomputes what <see cref="IsOwn"/> answers from; addresses change rarely and are looked up with every packet.</summary>
    internal void AddressesChanged()
    {
        List<IpAddress> all = [];
        foreach (NetworkInterface each in _interfaces)
        {
            foreach ((IpAddress address, _) in each.Addresses) all.Add(address);
        }
        _own = [.. all];
        _ownSet = all.Count > ScanLimit ? [.. all] : null;
    }
}
