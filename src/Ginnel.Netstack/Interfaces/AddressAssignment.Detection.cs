using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <content>
/// Is the address free? IPv6 asks for it as one who has none yet and listens for a second (RFC 4862 section 5.4); IPv4, where that is
/// wanted, asks three times in as many seconds and listens for two more (RFC 5227 section 2.1.1).
/// </content>
internal sealed partial class AddressAssignment
{
    // RFC 4862 section 5.1 and RFC 5227 section 1.1.
    private const int DuplicateProbes = 1, ConflictProbes = 3;
    private static readonly TimeSpan MaxFirstDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ProbeMinimum = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ProbeSpread = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AnnounceWait = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan AnnounceInterval = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Somebody asks for an address that we are checking. Who asks without an address checks it too, and then neither may have it; unless
    /// it is our own question that the link has brought back (RFC 7527). Who asks with an address looks for its owner, whom we cannot be
    /// yet (RFC 4862 section 5.4.3).
    /// </summary>
    internal DropReason HearQuestion(OwnAddress own, bool isCheck, ulong nonce, Instant now)
    {
        if (!isCheck || (nonce != 0 && nonce == own.Nonce)) return DropReason.Ignored;
        Conflict(own, now);
        return DropReason.None;
    }

    /// <summary>Another station says or shows that the address is its own (RFC 4862 section 5.4.4, RFC 5227 section 2.1.1).</summary>
    internal void Conflict(OwnAddress own, Instant now)
    {
        context.Counters.AddressConflicts++;
        context.Timers.Remove(own);
        Unassign(own);
        own.On.Unassigned.Remove(own);
        own.State = AddressState.Duplicate;
        own.On.Unassigned.Add(own);
        context.ConfigurationChanged();
        Duplicated?.Invoke(own, now);
    }

    /// <summary>
    /// Only where other stations can be heard, and only as the options say. Within any-IP mode's reach IPv4 needs no check either: the
    /// options name the addresses that others have.
    /// </summary>
    private static bool IsChecked(NetworkInterface on, IpAddress address)
    {
        if (on.Link.Medium != LinkMedium.Ethernet || !on.Speaks(address.IsV4)) return false;
        return address.IsV4
            ? on.Options.AddressConflictDetection
            : on.Options.DuplicateAddressDetection != DuplicateAddressDetection.Off;
    }

    private void BeginCheck(OwnAddress own, bool isDelayed, Instant now)
    {
        own.Probes = 0;
        // Stations that are started together, or that one router tells of a prefix, would all ask at once (RFC 4862 section 5.4.2).
        bool waits = isDelayed || own.Address.IsV4;
        if (waits) context.Timers.Arm(own, now + Random(MaxFirstDelay)); else Probe(own, now);
    }

    private void Probe(OwnAddress own, Instant now)
    {
        int most = own.Address.IsV4 ? ConflictProbes : DuplicateProbes;
        if (own.Probes == most) { Prove(own, now); return; }
        own.Probes++;
        TimeSpan next = own.On.RetransmitTime;
        if (own.Address.IsV4)
        {
            arp.Probe(own.On, own.Address);
            next = own.Probes == most ? AnnounceWait : ProbeMinimum + Random(ProbeSpread);
        }
        else
        {
            own.Nonce = (ulong)context.Entropy.NextUInt32() << 16 | context.Entropy.NextUInt32() & 0xFFFF | 1;
            discovery.Check(own.On, own.Address, own.Nonce, now);
        }
        context.Timers.Arm(own, now + next);
    }

    /// <summary>Nobody has objected.</summary>
    private void Prove(OwnAddress own, Instant now)
    {
        own.IsProven = true;
        if (!own.On.Unassigned.Remove(own))
        {
            own.State = AddressState.Preferred;
            context.ConfigurationChanged();
            Announce(own, now);
            if (own.Announcements == 0) Age(own, now);
            return;
        }
        if (own.ValidUntil <= now) { context.ConfigurationChanged(); return; }
        Assign(own, AddressState.Preferred, now);
    }

    private TimeSpan Random(TimeSpan most) => TimeSpan.FromMilliseconds(context.Entropy.Next((uint)most.TotalMilliseconds + 1));
}
