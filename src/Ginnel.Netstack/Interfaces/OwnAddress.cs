using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>How far an address of an interface has come (RFC 4862 section 2, RFC 4429, RFC 5227).</summary>
public enum AddressState : byte
{
    /// <summary>Being checked, or waiting for the link to be checked on; not in use.</summary>
    Tentative,
    /// <summary>In use while it is being checked.</summary>
    Optimistic,
    /// <summary>In use.</summary>
    Preferred,
    /// <summary>Still in use, but not for anything new: its prefix is being given up (RFC 4862 section 5.5.4).</summary>
    Deprecated,
    /// <summary>Another station has it; not in use until the link changes or it is added again.</summary>
    Duplicate,
}

/// <summary>Where an address of an interface comes from.</summary>
public enum AddressOrigin : byte
{
    /// <summary>It was added by <see cref="NetworkStack.AddAddress"/>.</summary>
    Configured,
    /// <summary>The interface formed it for its link (RFC 4862 section 5.3).</summary>
    LinkLocal,
    /// <summary>The interface formed it from a prefix that a router advertised (RFC 4862 section 5.5).</summary>
    Advertised,
}

/// <summary>An address of an interface, and what has become of it.</summary>
/// <param name="Address">The address.</param>
/// <param name="PrefixLength">Leading bits of the network that it stands in.</param>
/// <param name="State">Whether it is in use.</param>
/// <param name="Origin">Where it comes from.</param>
/// <param name="PreferredUntil">When it ceases to be used for new things; <see cref="Instant.Never"/> for an address without end.</param>
/// <param name="ValidUntil">When it ceases to be an address of the interface; likewise.</param>
public readonly record struct AddressInfo(
    IpAddress Address, int PrefixLength, AddressState State, AddressOrigin Origin, Instant PreferredUntil, Instant ValidUntil);

/// <summary>An address of an interface with its one deadline: the next probe, announcement or end of a lifetime.</summary>
internal sealed class OwnAddress(AddressAssignment owner, NetworkInterface on, IpAddress address, int prefixLength) : Timed
{
    internal NetworkInterface On { get; } = on;
    internal IpAddress Address { get; } = address;
    internal int PrefixLength { get; } = prefixLength;
    internal AddressOrigin Origin { get; init; }

    /// <summary>The advertised prefix from which it was formed.</summary>
    internal IpPrefix Prefix { get; init; }

    /// <summary>How often the address before it turned out to be taken: RFC 7217's DAD_Counter.</summary>
    internal int Conflicts { get; init; }

    internal AddressState State;
    internal Instant PreferredUntil = Instant.Never;
    internal Instant ValidUntil = Instant.Never;

    /// <summary>Probes sent so far, and IPv4 announcements still to be made.</summary>
    internal int Probes;
    internal int Announcements;

    /// <summary>48 random bits by which our own probes are known when the link brings them back (RFC 7527); 0 before the first.</summary>
    internal ulong Nonce;

    /// <summary>Whether it was checked on a link and nobody objected.</summary>
    internal bool IsProven;

    internal bool IsInUse => State is AddressState.Optimistic or AddressState.Preferred or AddressState.Deprecated;
    internal bool IsBeingChecked => State is AddressState.Tentative or AddressState.Optimistic;

    internal AddressInfo Info =>
        new(Address, Origin == AddressOrigin.Advertised ? Prefix.Length : PrefixLength, State, Origin, PreferredUntil, ValidUntil);

    internal void Deconstruct(out IpAddress address, out int prefixLength) => (address, prefixLength) = (Address, PrefixLength);

    internal override void OnDeadline(Instant now) => owner.OnDeadline(this, now);
}
