using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// Path MTUs that ICMP or probing taught (RFC 1191, RFC 8201), by destination. Bounded; an entry is forgotten after ten minutes
/// (RFC 1191 section 6.3, RFC 8201 section 4), so that a path that widened is used again.
/// </summary>
internal sealed class PathMtuCache(int limit)
{
    /// <summary>
    /// No report makes an IPv4 path narrower: RFC 1191 allows 68, but such a path does not exist, and a forged report would turn every
    /// flow into tiny packets (RFC 5927 section 7).
    /// </summary>
    internal const int FloorV4 = 552;

    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);
    private readonly BoundedTable<IpAddress, Entry> _entries = new(limit);

    private sealed class Entry
    {
        internal required IpAddress Destination;
        internal int Mtu;
        internal Instant Expires;
    }

    internal int Count => _entries.Count;

    /// <summary>The least MTU that is believed of a path of this family.</summary>
    internal static int Floor(IpAddress destination) => destination.IsV4 ? FloorV4 : IpV6Header.MinimumMtu;

    /// <summary>The path's MTU, not above the link's.</summary>
    internal int Get(IpAddress destination, int linkMtu, Instant now)
    {
        if (!_entries.TryGet(destination, out Entry? entry)) return linkMtu;
        if (entry.Expires > now) return Math.Min(entry.Mtu, linkMtu);
        _entries.Remove(destination);
        return linkMtu;
    }

    /// <summary>Notes a narrower path; a report never widens one (RFC 8201 section 4). Returns the MTU now in force.</summary>
    internal int Learn(IpAddress destination, int mtu, Instant now)
    {
        mtu = Math.Max(mtu, Floor(destination));
        if (_entries.TryTouch(destination, out Entry? entry))
        {
            if (entry.Expires > now && entry.Mtu <= mtu) return entry.Mtu;
        }
        else
        {
            if (limit == 0) return mtu;
            while (_entries.IsFull && _entries.TryPeekOldest(out Entry? oldest)) _entries.Remove(oldest.Destination);
            entry = new Entry { Destination = destination };
            _entries.Add(destination, entry);
        }
        entry.Mtu = mtu;
        entry.Expires = now + Lifetime;
        return mtu;
    }
}
