using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// Gives addresses to interfaces and takes them away. Theory of operation: an address is in <see cref="NetworkInterface.Addresses"/>
/// exactly while it is in use, so that no other part of the stack needs to know of its states; those that are still being checked, or
/// were found to be another's, stand in <see cref="NetworkInterface.Unassigned"/> (RFC 4862 section 5.4: not assigned to the interface in
/// the usual sense).
/// </summary>
internal sealed partial class AddressAssignment(
    StackContext context, InterfaceTable interfaces, Router router, ArpProtocol arp, NeighborDiscovery discovery)
{
    /// <summary>Told of an address that another station has, so that another one may be formed in its place.</summary>
    internal Action<OwnAddress, Instant>? Duplicated { get; set; }

    /// <summary>Adds an address that the stack's owner has chosen.</summary>
    internal OpStatus Add(InterfaceId id, IpAddress address, int prefixLength, Instant now)
    {
        if (interfaces.Find(id) is not { IsInternal: false } to) return OpStatus.Stale;
        if (!address.IsHost || prefixLength < 0 || prefixLength > address.BitCount) return OpStatus.InvalidAddress;
        if (!address.IsV4 && !to.Options.IpV6) return OpStatus.InvalidAddress;
        if (to.FindUnassigned(address) is { State: AddressState.Duplicate } former) Drop(former);
        return Add(new OwnAddress(this, to, address, prefixLength), now);
    }

    /// <summary>Adds an address, to be checked first where the interface's options say so.</summary>
    internal OpStatus Add(OwnAddress added, Instant now)
    {
        NetworkInterface to = added.On;
        if (interfaces.IsOwn(added.Address) || to.FindUnassigned(added.Address) is not null) return OpStatus.AddressInUse;
        if (to.Addresses.Count + to.Unassigned.Count >= NetworkInterface.MaxAddresses) return OpStatus.LimitReached;
        if (!IsChecked(to, added.Address))
        {
            Assign(added, AddressState.Preferred, now);
            return OpStatus.Ok;
        }
        if (to.Options.DuplicateAddressDetection == DuplicateAddressDetection.Optimistic && added.Address.IsV6)
        {
            Assign(added, AddressState.Optimistic, now);
        }
        else
        {
            to.Unassigned.Add(added);
            context.ConfigurationChanged();
        }
        if (to.IsUp) BeginCheck(added, isDelayed: added.Origin != AddressOrigin.Configured, now);
        return OpStatus.Ok;
    }

    internal OpStatus Remove(InterfaceId id, IpAddress address)
    {
        if (interfaces.Find(id) is not { IsInternal: false } from) return OpStatus.Stale;
        OwnAddress? found = from.FindUnassigned(address) ?? from.Addresses.Find(each => each.Address == address);
        if (found is null) return OpStatus.InvalidAddress;
        Drop(found);
        return OpStatus.Ok;
    }

    /// <summary>Takes an address away, whatever its state.</summary>
    internal void Drop(OwnAddress gone)
    {
        context.Timers.Remove(gone);
        if (!gone.On.Unassigned.Remove(gone)) Unassign(gone);
        context.ConfigurationChanged();
    }

    /// <summary>The link came up, went down or changed: what was being checked there is checked again, what is in use is announced.</summary>
    internal void LinkChanged(NetworkInterface on, bool wentUp, Instant now)
    {
        for (int i = on.Unassigned.Count - 1; i >= 0; i--)
        {
            OwnAddress waiting = on.Unassigned[i];
            context.Timers.Remove(waiting);
            if (!wentUp) continue;
            // Another link, other stations: what was taken there may be free here.
            waiting.State = AddressState.Tentative;
            if (IsChecked(on, waiting.Address)) BeginCheck(waiting, isDelayed: true, now); else Prove(waiting, now);
        }
        if (!wentUp) return;
        foreach (OwnAddress own in on.Addresses.ToArray())
        {
            // An address that came into use where nobody could have it, and now stands on a link where somebody may.
            if (!own.IsProven && own.State == AddressState.Preferred && IsChecked(on, own.Address)) own.State = AddressState.Optimistic;
            if (own.State == AddressState.Optimistic) BeginCheck(own, isDelayed: true, now); else Announce(own, now);
        }
    }

    /// <summary>Sets how long an advertised address lasts.</summary>
    internal void SetLifetimes(OwnAddress own, Instant preferredUntil, Instant validUntil, Instant now)
    {
        if ((own.PreferredUntil, own.ValidUntil) == (preferredUntil, validUntil)) return;
        (own.PreferredUntil, own.ValidUntil) = (preferredUntil, validUntil);
        if (own.State is AddressState.Preferred or AddressState.Deprecated) Age(own, now);
    }

    internal void OnDeadline(OwnAddress own, Instant now)
    {
        if (own.IsBeingChecked) { Probe(own, now); return; }
        if (own.Announcements > 0)
        {
            own.Announcements--;
            arp.Announce(own.On, own.Address);
        }
        Age(own, now);
    }

    /// <summary>RFC 4862 section 5.5.4: preferred, then deprecated, then gone.</summary>
    private void Age(OwnAddress own, Instant now)
    {
        if (own.ValidUntil <= now) { Drop(own); return; }
        AddressState state = own.PreferredUntil <= now ? AddressState.Deprecated : AddressState.Preferred;
        if (own.State != state)
        {
            own.State = state;
            context.ConfigurationChanged();
        }
        context.Timers.Arm(own, state == AddressState.Preferred ? Instant.Min(own.PreferredUntil, own.ValidUntil) : own.ValidUntil);
    }

    private void Assign(OwnAddress own, AddressState state, Instant now)
    {
        own.State = state;
        own.On.Addresses.Add(own);
        if (own.Origin != AddressOrigin.Advertised) router.Routes.AddOnLink(new IpPrefix(own.Address, own.PrefixLength), own.On.Id);
        interfaces.AddressesChanged();
        context.ConfigurationChanged();
        if (state == AddressState.Optimistic) return;
        Announce(own, now);
        if (own.Announcements == 0) Age(own, now);
    }

    private void Unassign(OwnAddress own)
    {
        NetworkInterface from = own.On;
        if (!from.Addresses.Remove(own)) return;
        IpPrefix network = new(own.Address, own.PrefixLength);
        bool isShared = from.Addresses.Exists(each => each.Origin != AddressOrigin.Advertised
            && each.PrefixLength == network.Length && network.Contains(each.Address));
        if (own.Origin != AddressOrigin.Advertised && !isShared) router.Routes.RemoveOnLink(network, from.Id);
        interfaces.AddressesChanged();
    }

    private void Announce(OwnAddress own, Instant now)
    {
        NetworkInterface on = own.On;
        if (!on.IsUp || on.Link.Medium != LinkMedium.Ethernet || !on.Speaks(own.Address.IsV4)) return;
        if (!own.Address.IsV4) { discovery.Announce(on, own.Address, now); return; }
        arp.Announce(on, own.Address);
        if (!on.Options.AddressConflictDetection) return;
        // RFC 5227 section 2.3: twice, two seconds apart.
        own.Announcements = 1;
        context.Timers.Arm(own, now + AnnounceInterval);
    }
}
