namespace Ginnel.Wire;

/// <summary>What an ICMPv6 Parameter Problem message complains of (RFC 4443 section 3.4, RFC 7112 section 6).</summary>
public enum IpV6ProblemCode : byte
{
    /// <summary>An erroneous header field.</summary>
    ErroneousField = 0,
    /// <summary>An unrecognised Next Header.</summary>
    UnrecognizedNextHeader = 1,
    /// <summary>An unrecognised IPv6 option.</summary>
    UnrecognizedOption = 2,
    /// <summary>A first fragment without the whole header chain.</summary>
    IncompleteHeaderChain = 3,
}

/// <summary>The Parameter Problem that a refused IPv6 packet asks for.</summary>
/// <param name="IsPresent">Whether an error is to be sent at all.</param>
/// <param name="Code">The code of the message.</param>
/// <param name="Pointer">Offset, from the start of the IPv6 header, of the octet complained of.</param>
/// <param name="EvenIfMulticast">
/// Whether the error goes out although the destination was multicast (option action 10, RFC 8200 section 4.2).
/// </param>
public readonly record struct IpV6Problem(bool IsPresent, IpV6ProblemCode Code, ushort Pointer, bool EvenIfMulticast)
{
    internal static IpV6Problem At(IpV6ProblemCode code, int pointer, bool evenIfMulticast = false) =>
        new(true, code, (ushort)pointer, evenIfMulticast);
}
