using System.Net;
using System.Net.Sockets;

namespace Ginnel;

/// <summary>
/// What leads to this host's own loopback: 127.0.0.0/8, 0.0.0.0/8 (the kernel connects 0.0.0.0 to itself), <c>::</c>, <c>::1</c> and the
/// IPv4-mapped forms (RFC 6890 section 2.2.2, RFC 4291 section 2.5).
/// </summary>
public static class HostLoopback
{
    /// <summary>Whether dialling the address reaches this host's loopback.</summary>
    public static bool Contains(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetwork)
            return IPAddress.IsLoopback(address) || address.Equals(IPAddress.IPv6Any) || IsCompatibleLoopback(address);
        Span<byte> bytes = stackalloc byte[4];
        address.TryWriteBytes(bytes, out _);
        return bytes[0] is 0 or 127;
    }

    // ::127.0.0.1, the deprecated IPv4-compatible form: no kernel we know dials it, which is no reason to rely on that.
    private static bool IsCompatibleLoopback(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        return address.TryWriteBytes(bytes, out int written) && written == 16
            && bytes[..12].IndexOfAnyExcept((byte)0) < 0 && bytes[12] == 127;
    }
}
