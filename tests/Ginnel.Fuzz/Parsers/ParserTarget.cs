using Ginnel.Wire;

namespace Ginnel.Fuzz;

/// <summary>Parses the bytes and touches all that the view offers; whatever they are, nothing may be thrown.</summary>
internal delegate DropReason Touch(ReadOnlySpan<byte> bytes);

/// <summary>A parser as the tests of level 0 and the fuzzer see it.</summary>
/// <param name="Name">Also the name of its corpus.</param>
/// <param name="Touch">The parser.</param>
/// <param name="MayAllocate">Whether touching makes values on the heap (names as values); all others must not.</param>
internal sealed record ParserTarget(string Name, Touch Touch, bool MayAllocate = false)
{
    internal static readonly ParserTarget[] All =
    [
        new("ethernet", LinkTargets.Ethernet),
        new("arp", LinkTargets.Arp),
        new("ip4", IpTargets.V4),
        new("ip6", IpTargets.V6),
        new("icmp4", IpTargets.Icmp),
        new("icmp6", IpTargets.IcmpV6),
        new("tcp", TransportTargets.Tcp),
        new("udp", TransportTargets.Udp),
        new("segments", TransportTargets.Segments, MayAllocate: true),
        new("dns", ServiceTargets.Dns, MayAllocate: true),
        new("dhcp", ServiceTargets.Dhcp),
        new("text", ServiceTargets.Text, MayAllocate: true),
    ];

    internal static ParserTarget Find(string name) => Array.Find(All, target => target.Name == name)!;

    public override string ToString() => Name;
}

/// <summary>An invariant of a parser that does not hold.</summary>
internal sealed class BrokenInvariantException(string message) : Exception(message);

/// <summary>Keeps what accessors return from being optimised away, and checks what must hold.</summary>
internal static class Keep
{
    [ThreadStatic]
    private static long _sink;

    internal static void Value(long value) => _sink += value;

    internal static void Bytes(ReadOnlySpan<byte> bytes) => _sink += bytes.Length + (bytes.IsEmpty ? 0 : bytes[0] + bytes[^1]);

    internal static void Address(IpAddress address) => _sink += (long)(address.High ^ address.Low);

    internal static void True(bool condition, string invariant)
    {
        if (!condition) throw new BrokenInvariantException(invariant);
    }
}
