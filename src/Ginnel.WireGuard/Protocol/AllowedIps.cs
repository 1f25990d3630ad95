using System.Collections.Concurrent;
using Ginnel.Wire;

namespace Ginnel.WireGuard.Protocol;

/// <summary>
/// Which peer an address belongs to, by longest prefix: where a packet goes, and from whom one may come (paper, section 2). A table for
/// each prefix length in use, the longest first; configurations use few lengths, and ten thousand peers of one address each cost one
/// look. Read by anybody at any time, changed by one at a time.
/// </summary>
internal sealed class AllowedIps<TPeer> where TPeer : class
{
    private readonly Dictionary<TPeer, HashSet<IpPrefix>> _prefixes = [];
    private volatile Networks[] _v4 = [];
    private volatile Networks[] _v6 = [];

    /// <summary>The owner of the longest prefix that holds the address; null if there is none. Safe at any time.</summary>
    public TPeer? Find(IpAddress address)
    {
        foreach (Networks networks in address.IsV4 ? _v4 : _v6)
            if (networks.Owners.TryGetValue(new IpPrefix(address, networks.Length).Address, out TPeer? peer)) return peer;
        return null;
    }

    /// <summary>A peer's prefixes.</summary>
    public IEnumerable<IpPrefix> Of(TPeer peer) => _prefixes.TryGetValue(peer, out HashSet<IpPrefix>? prefixes) ? prefixes : [];

    /// <summary>
    /// Replaces a peer's set. A prefix that another peer had is the newcomer's from now on. What stays is there all the time.
    /// </summary>
    public void Set(TPeer peer, IEnumerable<IpPrefix> prefixes)
    {
        HashSet<IpPrefix> wanted = [.. prefixes];
        IpPrefix[] gone = [.. Of(peer).Where(prefix => !wanted.Contains(prefix))];
        foreach (IpPrefix prefix in wanted)
        {
            ConcurrentDictionary<IpAddress, TPeer> owners = OwnersOf(prefix);
            if (owners.TryGetValue(prefix.Address, out TPeer? before) && !ReferenceEquals(before, peer)) _prefixes[before].Remove(prefix);
            owners[prefix.Address] = peer;
        }
        foreach (IpPrefix prefix in gone) Remove(prefix);
        if (wanted.Count > 0) _prefixes[peer] = wanted;
        else _prefixes.Remove(peer);
    }

    private ConcurrentDictionary<IpAddress, TPeer> OwnersOf(IpPrefix prefix)
    {
        bool isV4 = prefix.Address.IsV4;
        Networks[] all = isV4 ? _v4 : _v6;
        if (Array.Find(all, networks => networks.Length == prefix.Length) is { } known) return known.Owners;
        Networks added = new(prefix.Length);
        all = [.. all.Append(added).OrderByDescending(networks => networks.Length)];
        if (isV4) _v4 = all;
        else _v6 = all;
        return added.Owners;
    }

    private void Remove(IpPrefix prefix)
    {
        bool isV4 = prefix.Address.IsV4;
        Networks[] all = isV4 ? _v4 : _v6;
        Networks networks = Array.Find(all, networks => networks.Length == prefix.Length)!;
        networks.Owners.TryRemove(prefix.Address, out _);
        if (!networks.Owners.IsEmpty) return;
        all = [.. all.Where(other => other != networks)];
        if (isV4) _v4 = all;
        else _v6 = all;
    }

    /// <summary>The networks of one prefix length.</summary>
    private sealed class Networks(int length)
    {
        public int Length { get; } = length;

        public ConcurrentDictionary<IpAddress, TPeer> Owners { get; } = new();
    }
}
