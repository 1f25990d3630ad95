using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Ginnel;

/// <summary>An address and a port of UDP. IPv4-mapped addresses are held as IPv4.</summary>
public sealed class UdpEndpoint : CarrierEndpoint
{
    private readonly UInt128 _address;
    private readonly bool _isV4;
    private SocketAddress? _socketAddress;

    /// <summary>The endpoint of an address and a port.</summary>
    public UdpEndpoint(IPEndPoint address)
    {
        ArgumentNullException.ThrowIfNull(address);
        _isV4 = address.AddressFamily == AddressFamily.InterNetwork || address.Address.IsIPv4MappedToIPv6;
        Address = _isV4 && address.AddressFamily != AddressFamily.InterNetwork ? new IPEndPoint(address.Address.MapToIPv4(), address.Port) : address;
        _address = BinaryPrimitives.ReadUInt128BigEndian(address.Address.MapToIPv6().GetAddressBytes());
    }

    /// <summary>As the BCL says it.</summary>
    public IPEndPoint Address { get; }

    /// <summary>As a socket of a family wants it; an IPv6 socket takes IPv4 addresses mapped.</summary>
    internal SocketAddress ToSocketAddress(AddressFamily family)
    {
        if (_socketAddress is { } made && made.Family == family) return made;
        bool isMapped = _isV4 && family == AddressFamily.InterNetworkV6;
        return _socketAddress = (isMapped ? new IPEndPoint(Address.Address.MapToIPv6(), Address.Port) : Address).Serialize();
    }

    // The same link-local address on two interfaces is two endpoints.
    private long Scope => _isV4 ? 0 : Address.Address.ScopeId;

    /// <inheritdoc/>
    public override UInt128 LimitKey => _isV4 ? _address : _address >> 64 << 64;

    /// <inheritdoc/>
    public override int WriteBytes(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt128BigEndian(destination, _address);
        BinaryPrimitives.WriteUInt16BigEndian(destination[16..], (ushort)Address.Port);
        BinaryPrimitives.WriteUInt32BigEndian(destination[18..], (uint)Scope);
        return 22;
    }

    /// <inheritdoc/>
    public override bool Equals(CarrierEndpoint? other) => other is UdpEndpoint udp && udp._address == _address && udp.Address.Port == Address.Port && udp.Scope == Scope;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_address, Address.Port);

    /// <inheritdoc/>
    public override string ToString() => Address.ToString();
}
