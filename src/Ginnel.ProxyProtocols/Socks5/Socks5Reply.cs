using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Ginnel.ProxyProtocols;

/// <summary>Reply codes of RFC 1928 section 6.</summary>
internal enum Socks5Code : byte
{
    Succeeded = 0,
    GeneralFailure = 1,
    NotAllowed = 2,
    NetworkUnreachable = 3,
    HostUnreachable = 4,
    ConnectionRefused = 5,
    TtlExpired = 6,
    CommandNotSupported = 7,
    AddressTypeNotSupported = 8,
}

/// <summary>The server's side of SOCKS5, as bytes.</summary>
internal static class Socks5Reply
{
    /// <summary>Longest address with its type and port: a name of 255.</summary>
    internal const int MaxAddress = 1 + 1 + 255 + 2;

    /// <summary>Longest header of a datagram from the proxy, which names an address (RFC 1928 section 7).</summary>
    internal const int MaxDatagramHeader = 3 + 1 + 16 + 2;

    /// <summary>The one table between failures and codes.</summary>
    internal static Socks5Code CodeOf(DialFailureKind kind) => kind switch
    {
        DialFailureKind.None => Socks5Code.Succeeded,
        DialFailureKind.Refused or DialFailureKind.Reset => Socks5Code.ConnectionRefused,
        DialFailureKind.HostUnreachable or DialFailureKind.NameNotFound => Socks5Code.HostUnreachable,
        DialFailureKind.NetworkUnreachable => Socks5Code.NetworkUnreachable,
        DialFailureKind.Denied => Socks5Code.NotAllowed,
        // No code means silence; a packet that got lost on the way is the nearest, and differs from a router's answer.
        DialFailureKind.TimedOut => Socks5Code.TtlExpired,
        DialFailureKind.Unsupported => Socks5Code.CommandNotSupported,
        _ => Socks5Code.GeneralFailure,
    };

    /// <summary>A failure; it names no address.</summary>
    internal static byte[] Of(Socks5Code code) => Of(code, null);

    /// <summary>A reply with the bound address (BND.ADDR, BND.PORT); null for one that is not told, which is all zeros.</summary>
    internal static byte[] Of(Socks5Code code, IPEndPoint? bound)
    {
        Span<byte> reply = stackalloc byte[3 + MaxAddress];
        (reply[0], reply[1], reply[2]) = (Socks5Reader.Version, (byte)code, 0);
        int length = 3 + WriteAddress(reply[3..], bound ?? new IPEndPoint(IPAddress.Any, 0));
        return reply[..length].ToArray();
    }

    /// <summary>The header of a datagram that comes from <paramref name="from"/>: RSV, FRAG 0, address (RFC 1928 section 7).</summary>
    /// <returns>Its length.</returns>
    internal static int WriteDatagramHeader(Span<byte> destination, IPEndPoint from)
    {
        destination[..3].Clear();
        return 3 + WriteAddress(destination[3..], from);
    }

    // ATYP, address, port (RFC 1928 section 5).
    private static int WriteAddress(Span<byte> destination, IPEndPoint endPoint)
    {
        IPAddress address = ProxyTargets.Plain(endPoint.Address);
        destination[0] = address.AddressFamily == AddressFamily.InterNetwork ? Socks5Reader.Ipv4 : Socks5Reader.Ipv6;
        address.TryWriteBytes(destination[1..], out int length);
        BinaryPrimitives.WriteUInt16BigEndian(destination[(1 + length)..], (ushort)endPoint.Port);
        return 1 + length + 2;
    }
}
