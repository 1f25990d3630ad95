using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using NativeSockets = Ginnel.Linux.Native.Sockets;

namespace Ginnel.Linux.Datagrams;

/// <summary>struct sockaddr_in and sockaddr_in6, to and from the BCL's endpoints.</summary>
internal static class SocketAddress
{
    /// <summary>Room for either.</summary>
    public const int MaxSize = 28;

    private const int SizeV4 = 16;

    /// <summary>Writes an endpoint for a socket of the given family; IPv4 goes mapped through an IPv6 socket.</summary>
    /// <returns>The address's length.</returns>
    public static int Write(IPEndPoint endPoint, AddressFamily socketFamily, Span<byte> bytes)
    {
        bytes[..MaxSize].Clear();
        BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], (ushort)endPoint.Port);
        if (socketFamily == AddressFamily.InterNetwork)
        {
            MemoryMarshal.Write(bytes, (ushort)NativeSockets.FamilyInet);
            IPAddress address = endPoint.Address.IsIPv4MappedToIPv6 ? endPoint.Address.MapToIPv4() : endPoint.Address;
            address.TryWriteBytes(bytes[4..], out _);
            return SizeV4;
        }
        MemoryMarshal.Write(bytes, (ushort)NativeSockets.FamilyInet6);
        if (endPoint.AddressFamily == AddressFamily.InterNetwork)
        {
            bytes[18] = bytes[19] = 0xFF;
            endPoint.Address.TryWriteBytes(bytes[20..], out _);
        }
        else
        {
            endPoint.Address.TryWriteBytes(bytes[8..], out _);
            MemoryMarshal.Write(bytes[24..], (uint)endPoint.Address.ScopeId);
        }
        return MaxSize;
    }

    /// <summary>Reads an endpoint; a mapped IPv4 address comes back as IPv4. Null for any other family.</summary>
    public static IPEndPoint? Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < SizeV4) return null;
        int port = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        switch (MemoryMarshal.Read<ushort>(bytes))
        {
            case NativeSockets.FamilyInet:
                return new IPEndPoint(new IPAddress(bytes.Slice(4, 4)), port);
            case NativeSockets.FamilyInet6 when bytes.Length >= MaxSize:
                IPAddress address = new(bytes.Slice(8, 16), MemoryMarshal.Read<uint>(bytes[24..]));
                return new IPEndPoint(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address, port);
            default:
                return null;
        }
    }
}
