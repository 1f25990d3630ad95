using System.Net;
using Ginnel.Wire;

namespace Ginnel;

/// <summary>Names that are answered here and go to no server: our own, and those that the standards keep out of DNS.</summary>
internal sealed class LocalDnsNames
{
    private static readonly DnsName Localhost = DnsName.Parse("localhost");
    // Onion and I2P names say which services someone uses; RFC 7686 section 2 forbids to look them up, and I2P's are alike.
    private static readonly DnsName[] Nowhere = [DnsName.Parse("onion"), DnsName.Parse("i2p"), DnsName.Parse("invalid")];
    // RFC 6762, RFC 8375 and ICANN's reservation of .internal: names of the local network, which must not reach public servers.
    private static readonly DnsName[] Private = [DnsName.Parse("internal"), DnsName.Parse("local"), DnsName.Parse("home.arpa")];

    private readonly DnsName? _zone;
    private readonly Dictionary<DnsName, IpAddress[]> _addresses = [];
    private readonly Dictionary<IpAddress, DnsName> _names = [];

    /// <summary>Knows these names; below <paramref name="zone"/> there are no others.</summary>
    public LocalDnsNames(string? zone, IReadOnlyDictionary<string, IReadOnlyList<IPAddress>> names)
    {
        if (zone is not null) _zone = DnsName.Parse(zone);
        foreach ((string text, IReadOnlyList<IPAddress> list) in names)
        {
            DnsName name = DnsName.Parse(text);
            IpAddress[] addresses = new IpAddress[list.Count];
            for (int i = 0; i < addresses.Length; i++) addresses[i] = IpAddress.From(list[i]);
            _addresses.Add(name, addresses);
            foreach (IpAddress address in addresses) _names.TryAdd(address, name);
        }
    }

    /// <summary>Answers if the name is one of ours; 0 if it is not.</summary>
    public int Answer(DnsQuery query, Span<byte> answer)
    {
        if (query.Class is not (DnsClass.In or DnsClass.Any)) return 0;
        // RFC 6761 section 6.3: everything below localhost is the loopback.
        if (query.Name.IsAtOrBelow(Localhost)) return DnsAnswers.Addresses(query, [IpAddress.FromV4(0x7F00_0001), IpAddress.FromV6(0, 1)], answer);
        if (_addresses.TryGetValue(query.Name, out IpAddress[]? addresses)) return DnsAnswers.Addresses(query, addresses, answer);
        if (_zone is { } zone && query.Name.IsAtOrBelow(zone)) return DnsAnswers.Empty(query, DnsResponseCode.NameError, answer);
        if (IsBelow(query.Name, Nowhere)) return DnsAnswers.Empty(query, DnsResponseCode.NameError, answer);
        if (DnsReverseName.TryGetAddress(query.Name, out IpAddress address))
        {
            if (_names.TryGetValue(address, out DnsName name)) return DnsAnswers.Pointer(query, name, answer);
            if (IPAddress.IsLoopback(address.ToIPAddress())) return DnsAnswers.Pointer(query, Localhost, answer);
        }
        return 0;
    }

    /// <summary>Whether a name belongs to local networks, so that only their servers may be asked.</summary>
    public static bool IsPrivate(DnsName name) => IsBelow(name, Private);

    private static bool IsBelow(DnsName name, DnsName[] zones)
    {
        foreach (DnsName zone in zones)
        {
            if (name.IsAtOrBelow(zone)) return true;
        }
        return false;
    }
}
