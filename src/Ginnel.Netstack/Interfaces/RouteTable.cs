using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// Routes by longest prefix, then by lowest metric, then by age. One dictionary look-up per prefix length in use, longest first,
/// so that a thousand routes cost no more than a few.
/// </summary>
internal sealed class RouteTable(int limit)
{
    private readonly Dictionary<IpPrefix, List<Entry>> _byPrefix = [];
    private readonly List<int> _lengthsV4 = [];
    private readonly List<int> _lengthsV6 = [];
    private int _configured;

    /// <summary>Whether a route's gateway has fallen silent: then another route to the same prefix is better (RFC 4861 section 6.3.6).</summary>
    internal Func<Route, bool>? IsSilent { get; set; }

    /// <summary>Who put a route here; each may remove its own.</summary>
    internal enum Origin : byte
    {
        /// <summary>A call of <c>AddRoute</c>.</summary>
        Configured,
        /// <summary>It stands for the network of an own address.</summary>
        Address,
        /// <summary>A router has advertised it.</summary>
        Advertised,
    }

    private readonly record struct Entry(Route Route, Origin Origin);

    internal int Count => _configured;

    /// <summary>Adds a configured route; one with equal destination, interface and metric is replaced.</summary>
    internal OpStatus Add(Route route)
    {
        List<Entry>? entries = Find(route.Destination);
        int same = entries?.FindIndex(entry => entry.Origin == Origin.Configured && IsSame(entry.Route, route)) ?? -1;
        if (same >= 0)
        {
            entries![same] = new Entry(route, Origin.Configured);
            return OpStatus.Ok;
        }
        if (_configured >= limit) return OpStatus.LimitReached;
        _configured++;
        Insert(new Entry(route, Origin.Configured));
        return OpStatus.Ok;
    }

    internal OpStatus Remove(Route route)
    {
        if (!TryDelete(route, Origin.Configured)) return OpStatus.NoRoute;
        _configured--;
        return OpStatus.Ok;
    }

    /// <summary>The network of an own address is on the link. Not counted against the limit: addresses have their own.</summary>
    internal void AddOnLink(IpPrefix network, InterfaceId id)
    {
        Route route = new(network, id);
        bool isKnown = Find(network)?.Exists(entry => entry.Origin == Origin.Address && IsSame(entry.Route, route)) == true;
        if (!isKnown) Insert(new Entry(route, Origin.Address));
    }

    internal void RemoveOnLink(IpPrefix network, InterfaceId id) => TryDelete(new Route(network, id), Origin.Address);

    /// <summary>A router has advertised it; whoever adds it bounds their number and removes each as it was added.</summary>
    internal void AddAdvertised(Route route) => Insert(new Entry(route, Origin.Advertised));

    internal void RemoveAdvertised(Route route) => TryDelete(route, Origin.Advertised);

    /// <summary>The best route, among those through <paramref name="via"/> unless that is none.</summary>
    internal bool TryFind(IpAddress destination, InterfaceId via, out Route route)
    {
        foreach (int length in destination.IsV4 ? _lengthsV4 : _lengthsV6)
        {
            if (!_byPrefix.TryGetValue(new IpPrefix(destination, length), out List<Entry>? entries)) continue;
            if (TryChoose(entries, via, out route)) return true;
        }
        route = default;
        return false;
    }

    private bool TryChoose(List<Entry> entries, InterfaceId via, out Route route)
    {
        route = default;
        bool isFound = false;
        foreach (Entry entry in entries)
        {
            if (via != InterfaceId.None && entry.Route.Interface != via) continue;
            // The best one, unless its gateway is silent and that of another is not.
            bool isSilent = entries.Count > 1 && IsSilent?.Invoke(entry.Route) == true;
            if (!isFound || !isSilent) route = entry.Route;
            isFound = true;
            if (!isSilent) break;
        }
        return isFound;
    }

    private static bool IsSame(Route left, Route right) => left.Interface == right.Interface && left.Metric == right.Metric;

    private List<Entry>? Find(IpPrefix prefix) => _byPrefix.GetValueOrDefault(prefix);

    private void Insert(Entry entry)
    {
        IpPrefix prefix = entry.Route.Destination;
        if (Find(prefix) is not { } entries)
        {
            _byPrefix.Add(prefix, entries = []);
            List<int> lengths = prefix.Address.IsV4 ? _lengthsV4 : _lengthsV6;
            if (!lengths.Contains(prefix.Length))
            {
                lengths.Add(prefix.Length);
                lengths.Sort(static (left, right) => right - left);
            }
        }
        int place = entries.FindIndex(other => other.Route.Metric > entry.Route.Metric);
        entries.Insert(place < 0 ? entries.Count : place, entry);
    }

    private bool TryDelete(Route route, Origin origin)
    {
        if (Find(route.Destination) is not { } entries) return false;
        int index = entries.FindIndex(entry =>
            entry.Origin == origin && (origin == Origin.Advertised ? entry.Route == route : IsSame(entry.Route, route)));
        if (index < 0) return false;
        entries.RemoveAt(index);
        if (entries.Count > 0) return true;
        _byPrefix.Remove(route.Destination);
        ForgetLength(route.Destination);
        return true;
    }

    private void ForgetLength(IpPrefix gone)
    {
        foreach (IpPrefix prefix in _byPrefix.Keys)
        {
            if (prefix.Length == gone.Length && prefix.Address.IsV4 == gone.Address.IsV4) return;
        }
        (gone.Address.IsV4 ? _lengthsV4 : _lengthsV6).Remove(gone.Length);
    }
}
