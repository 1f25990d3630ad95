using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Ginnel.Proxy;

/// <summary>
/// The header of the PROXY protocol (HAProxy's <c>proxy-protocol.txt</c>): the first bytes of a connection, by which a relay tells the server who
/// it speaks for.
/// </summary>
internal static class ProxyHeader
{
    private const byte LocalCommand = 0x20, ProxyCommand = 0x21, Unspecified = 0x00, TcpOverV4 = 0x11, TcpOverV6 = 0x21;

    // Section 2.2: made so that no other protocol can begin with it.
    private static ReadOnlySpan<byte> Signature => [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];

    /// <summary>The header; an end that is not known makes it one that tells nothing.</summary>
    /// <param name="version">1 for the line of text, 2 for the binary form.</param>
    /// <param name="source">Who came.</param>
    /// <param name="destination">Where it came to.</param>
    public static byte[] Compose(int version, IPEndPoint? source, IPEndPoint? destination)
    {
        (IPAddress From, IPAddress To)? ends = source is null || destination is null ? null : SameFamily(source.Address, destination.Address);
        return version == 1 ? Text(ends, source, destination) : Binary(ends, source, destination);
    }

    // Both addresses must be of one family; a socket of both families writes IPv4 ones as IPv6.
    private static (IPAddress From, IPAddress To)? SameFamily(IPAddress from, IPAddress to)
    {
        if (from.IsIPv4MappedToIPv6 && to.IsIPv4MappedToIPv6) return (from.MapToIPv4(), to.MapToIPv4());
        return from.AddressFamily == to.AddressFamily ? (Unscoped(from), Unscoped(to)) : (from.MapToIPv6(), to.MapToIPv6());
    }

    private static IPAddress Unscoped(IPAddress address) => address is { AddressFamily: AddressFamily.InterNetworkV6, ScopeId: not 0 } ? new IPAddress(address.GetAddressBytes()) : address;

    private static byte[] Text((IPAddress From, IPAddress To)? ends, IPEndPoint? source, IPEndPoint? destination) => Encoding.ASCII.GetBytes(
        ends is not { } known ? "PROXY UNKNOWN\r\n" : string.Create(CultureInfo.InvariantCulture,
            $"PROXY {(known.From.AddressFamily == AddressFamily.InterNetwork ? "TCP4" : "TCP6")} {known.From} {known.To} {source!.Port} {destination!.Port}\r\n"));

    private static byte[] Binary((IPAddress From, IPAddress To)? ends, IPEndPoint? source, IPEndPoint? destination)
    {
        if (ends is not { } known) return [.. Signature, LocalCommand, Unspecified, 0, 0];
        byte[] from = known.From.GetAddressBytes(), to = known.To.GetAddressBytes(), ports = new byte[4];
        BinaryPrimitives.WriteUInt16BigEndian(ports, (ushort)source!.Port);
        BinaryPrimitives.WriteUInt16BigEndian(ports.AsSpan(2), (ushort)destination!.Port);
        byte length = (byte)(from.Length + to.Length + ports.Length);
        return [.. Signature, ProxyCommand, from.Length == 4 ? TcpOverV4 : TcpOverV6, 0, length, .. from, .. to, .. ports];
    }
}
