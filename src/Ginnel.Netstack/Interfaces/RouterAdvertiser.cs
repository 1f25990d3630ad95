using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// The router's side of router discovery (RFC 4861 section 6.2). Theory of operation: all advertisements go to all nodes, whoever asked,
/// and never two within three seconds; so however many stations ask, or pretend to, the answers are the same few. The first three come
/// quickly, later ones at random times, the last three say that the router is gone.
/// </summary>
internal sealed class RouterAdvertiser(StackContext context, NetworkInterface on, NeighborDiscovery discovery, RouterAdvertisementOptions options) : Timed
{
    // RFC 4861 section 10.
    private const int InitialCount = 3, FinalCount = 3;
    private static readonly TimeSpan MaxInitialInterval = TimeSpan.FromSeconds(16);
    private static readonly TimeSpan MinBetween = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan MaxAnswerDelay = TimeSpan.FromMilliseconds(500);

    /// <summary>The link-local address is still being checked: then soon again.</summary>
    private static readonly TimeSpan NoAddressPause = TimeSpan.FromMilliseconds(250);

    private Instant _sentAt;
    private Instant _nextAt = Instant.Never;
    private int _initial;
    private int _final = -1;

    /// <summary>Whether it says, or has said, that it is a router no more.</summary>
    internal bool IsEnding => _final >= 0;

    /// <summary>The link came up, or the interface has become a router.</summary>
    internal void Begin(Instant now)
    {
        _initial = InitialCount;
        Schedule(now);
    }

    internal void LinkWentDown() => Schedule(Instant.Never);

    /// <summary>Says goodbye (section 6.2.5), up to three times, the first at once.</summary>
    internal void End(Instant now)
    {
        _final = FinalCount;
        Send(now);
    }

    /// <summary>Gives up without a word: another takes its place.</summary>
    internal void Stop() => Schedule(Instant.Never);

    /// <summary>Somebody asks for routers: everybody is told, soon but not sooner than is good for the link (section 6.2.6).</summary>
    internal void ReceiveSolicitation(Instant now)
    {
        if (IsEnding) return;
        Instant at = now + Random(TimeSpan.Zero, MaxAnswerDelay);
        if (_sentAt != default && at < _sentAt + MinBetween) at = _sentAt + MinBetween + Random(TimeSpan.Zero, MaxAnswerDelay);
        if (at < _nextAt) Schedule(at);
    }

    internal override void OnDeadline(Instant now)
    {
        _nextAt = Instant.Never;
        Send(now);
    }

    private void Send(Instant now)
    {
        if (!on.IsUp || !on.Speaks(v4: false) || _final == 0) return;
        if (!TryFindSource(out IpAddress source))
        {
            Schedule(now + NoAddressPause);
            return;
        }
        discovery.AdvertiseRouter(on, source, Describe(), now);
        _sentAt = now;
        if (IsEnding)
        {
            if (--_final > 0) Schedule(now + MinBetween);
            return;
        }
        TimeSpan interval = Random(options.MaxInterval / 3, options.MaxInterval);
        if (_initial > 0 && --_initial > 0 && interval > MaxInitialInterval) interval = MaxInitialInterval;
        Schedule(now + interval);
    }

    private RouterAdvertisement Describe()
    {
        PrefixInformation[] prefixes = new PrefixInformation[options.Prefixes.Count];
        for (int i = 0; i < prefixes.Length; i++)
        {
            IpPrefix prefix = options.Prefixes[i];
            prefixes[i] = new PrefixInformation(prefix, OnLink: true, Autonomous: prefix.Length == 64, Seconds(options.ValidLifetime), Seconds(options.PreferredLifetime));
        }
        return new RouterAdvertisement
        {
            CurrentHopLimit = options.HopLimit, IsManaged = options.IsManaged, HasOtherConfiguration = options.HasOtherConfiguration,
            Preference = options.Preference, RouterLifetimeSeconds = IsEnding ? (ushort)0 : (ushort)Seconds(options.RouterLifetime),
            SourceLinkLayer = on.Link.Medium == LinkMedium.Ethernet ? on.Mac : default, Mtu = (uint)options.Mtu, Prefixes = prefixes,
            // RFC 8106 section 5.1: three times the interval; a router that goes takes its servers along.
            DnsLifetimeSeconds = IsEnding ? 0 : 3 * Seconds(options.MaxInterval), DnsServers = options.NameServers.ToArray(),
        };
    }

    private bool TryFindSource(out IpAddress source)
    {
        foreach ((IpAddress own, _) in on.Addresses)
        {
            if (own.IsV4 || !own.IsLinkLocal) continue;
            source = own;
            return true;
        }
        source = default;
        return false;
    }

    private void Schedule(Instant at)
    {
        _nextAt = at;
        context.Timers.Arm(this, at);
    }

    private static uint Seconds(TimeSpan span) => (uint)span.TotalSeconds;

    private TimeSpan Random(TimeSpan least, TimeSpan most) =>
        least + TimeSpan.FromMilliseconds(context.Entropy.Next((uint)(most - least).TotalMilliseconds + 1));
}
