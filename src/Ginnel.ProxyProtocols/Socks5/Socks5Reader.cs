using System.Buffers.Binary;
using System.Net;

namespace Ginnel.ProxyProtocols;

/// <summary>How far the bytes go.</summary>
internal enum Socks5Status
{
    /// <summary>A whole message.</summary>
    Complete,
    /// <summary>The beginning of one.</summary>
    Incomplete,
    /// <summary>No message of the protocol, whatever may follow.</summary>
    Malformed,
    /// <summary>A whole message whose address has a type that does not exist (RFC 1928 section 6, code 8).</summary>
    BadAddressType,
    /// <summary>A whole message whose host is neither a name nor an address, or whose port is none.</summary>
    BadTarget,
}

/// <summary>Commands of RFC 1928 section 4.</summary>
internal enum Socks5Command : byte
{
    Connect = 1,
    Bind = 2,
    UdpAssociate = 3,
}

/// <summary>A request.</summary>
/// <param name="Command">As sent; may be none that exists.</param>
/// <param name="Target">Where to; null when it is unspecified (address or port zero), which BIND and UDP ASSOCIATE may have.</param>
/// <param name="Port">DST.PORT.</param>
/// <param name="Length">Bytes of the message.</param>
internal readonly record struct Socks5Request(Socks5Command Command, EndPoint? Target, int Port, int Length);

/// <summary>The client's side of SOCKS5 (RFC 1928, RFC 1929), read from any bytes. Never throws.</summary>
internal static class Socks5Reader
{
    internal const byte Version = 5;
    internal const byte NoAuthentication = 0;
    internal const byte UserPassword = 2;
    internal const byte NoAcceptableMethod = 0xFF;
    internal const byte Ipv4 = 1;
    internal const byte Ipv6 = 4;
    internal const byte AuthenticationVersion = 1;

    /// <summary>Longest message of a client: user and password of 255 each.</summary>
    internal const int MaxMessage = 3 + 255 + 255;

    private const byte DomainName = 3;

    /// <summary>Version and methods (RFC 1928 section 3).</summary>
    internal static Socks5Status ReadGreeting(ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> methods, out int length)
    {
        methods = default;
        length = 0;
        if (bytes.Length > 0 && bytes[0] != Version) return Socks5Status.Malformed;
        if (bytes.Length < 2) return Socks5Status.Incomplete;
        if (bytes[1] == 0) return Socks5Status.Malformed;
        if (bytes.Length < 2 + bytes[1]) return Socks5Status.Incomplete;
        length = 2 + bytes[1];
        methods = bytes[2..length];
        return Socks5Status.Complete;
    }

    /// <summary>User and password (RFC 1929 section 2). Empty ones are read, to be refused as what they are: wrong.</summary>
    internal static Socks5Status ReadCredentials(ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> user, out ReadOnlySpan<byte> password, out int length)
    {
        user = password = default;
        length = 0;
        if (bytes.Length > 0 && bytes[0] != AuthenticationVersion) return Socks5Status.Malformed;
        if (bytes.Length < 2) return Socks5Status.Incomplete;
        int userLength = bytes[1];
        if (bytes.Length < 3 + userLength) return Socks5Status.Incomplete;
        int passwordLength = bytes[2 + userLength];
        if (bytes.Length < 3 + userLength + passwordLength) return Socks5Status.Incomplete;
        length = 3 + userLength + passwordLength;
        user = bytes.Slice(2, userLength);
        password = bytes.Slice(3 + userLength, passwordLength);
        return Socks5Status.Complete;
    }

    /// <summary>A request (RFC 1928 section 4).</summary>
    internal static Socks5Status ReadRequest(ReadOnlySpan<byte> bytes, out Socks5Request request)
    {
        request = default;
        if (bytes.Length > 0 && bytes[0] != Version) return Socks5Status.Malformed;
        // RSV must be zero (section 4).
        if (bytes.Length > 2 && bytes[2] != 0) return Socks5Status.Malformed;
        if (bytes.Length < 4) return Socks5Status.Incomplete;
        Socks5Command command = (Socks5Command)bytes[1];
        bool mayBeUnspecified = command is Socks5Command.Bind or Socks5Command.UdpAssociate;
        Socks5Status status = ReadAddress(bytes[3..], mayBeUnspecified, out EndPoint? target, out int port, out int length);
        request = new Socks5Request(command, target, port, 3 + length);
        return status;
    }

    /// <summary>The header of a datagram to the proxy (RFC 1928 section 7).</summary>
    /// <param name="bytes">The datagram.</param>
    /// <param name="fragment">FRAG; the rest is valid only where it is 0.</param>
    /// <param name="target">Where the payload goes.</param>
    /// <param name="length">Bytes before the payload.</param>
    internal static Socks5Status ReadDatagram(ReadOnlySpan<byte> bytes, out byte fragment, out EndPoint? target, out int length)
    {
        (fragment, target, length) = (0, null, 0);
        if (bytes.Length < 4 || bytes[0] != 0 || bytes[1] != 0) return Socks5Status.Malformed;
        fragment = bytes[2];
        Socks5Status status = ReadAddress(bytes[3..], false, out target, out _, out length);
        length += 3;
        return status == Socks5Status.Incomplete ? Socks5Status.Malformed : status;
    }

    // ATYP, address, port (RFC 1928 section 5).
    private static Socks5Status ReadAddress(ReadOnlySpan<byte> bytes, bool mayBeUnspecified, out EndPoint? target, out int port, out int length)
    {
        (target, port, length) = (null, 0, 0);
        if (bytes.IsEmpty) return Socks5Status.Incomplete;
        int start = 1, size;
        switch (bytes[0])
        {
            case Ipv4:
                size = 4;
                break;
            case Ipv6:
                size = 16;
                break;
            case DomainName:
                if (bytes.Length < 2) return Socks5Status.Incomplete;
                (start, size) = (2, bytes[1]);
                break;
            default:
                return Socks5Status.BadAddressType;
        }
        if (bytes.Length < start + size + 2) return Socks5Status.Incomplete;
        length = start + size + 2;
        ReadOnlySpan<byte> host = bytes.Slice(start, size);
        port = BinaryPrimitives.ReadUInt16BigEndian(bytes[(start + size)..]);
        if (bytes[0] != DomainName)
        {
            IPAddress address = ProxyTargets.Plain(new IPAddress(host));
            bool isUnspecified = address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);
            if (mayBeUnspecified && isUnspecified) return Socks5Status.Complete;
            target = new IPEndPoint(address, port);
            return port != 0 || mayBeUnspecified ? Socks5Status.Complete : Socks5Status.BadTarget;
        }
        // With an address unspecified or a port of zero a client says that it does not know yet (sections 4 and 7).
        if (ProxyTargets.TryRead(host, port == 0 && mayBeUnspecified ? 1 : port, out EndPoint read))
        {
            target = port != 0 ? read : read is IPEndPoint ip ? new IPEndPoint(ip.Address, 0) : new DnsEndPoint(((DnsEndPoint)read).Host, 0);
            return Socks5Status.Complete;
        }
        return Socks5Status.BadTarget;
    }
}
