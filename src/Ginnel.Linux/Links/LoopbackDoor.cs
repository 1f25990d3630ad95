using System.Runtime.InteropServices;
using Ginnel.Linux.Native;
using Ginnel.Wire;

namespace Ginnel.Linux.Links;

/// <summary>
/// The way in to a network namespace's <c>::1</c>. The kernel takes packets for 127.0.0.0/8 from any interface where route_localnet says so, but
/// for <c>::1</c> there is no such switch: they must have come by a loopback interface (RFC 4291 section 2.5.3). So these packets are written
/// to the namespace's <c>lo</c>, by a packet socket that was made inside; what is answered leaves by the route to whoever asked, our device.
/// The program sees the gateway as its peer, as at its other addresses.
/// </summary>
internal sealed unsafe class LoopbackDoor(Descriptor socket) : IDisposable
{
    private const int EthernetHeaderSize = 14, Ipv6HeaderSize = 40, DestinationOffset = 24;
    private const ushort EtherTypeV6 = 0xDD86; // ETH_P_IPV6 in network order

    // lo is the first interface of every network namespace (LOOPBACK_IFINDEX).
    private const int LoopbackIndex = 1;

    private static ReadOnlySpan<byte> LoopbackV6 => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

    // What eth_type_trans compares with: lo's own address is all zeros, and a frame to another one would be somebody else's.
    private static ReadOnlySpan<byte> Header => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x86, 0xDD];

    /// <summary>Makes the socket in the calling thread's network namespace; it only sends.</summary>
    /// <returns>The socket, or null where <c>lo</c> has no <c>::1</c>: packets to it would vanish instead of being refused.</returns>
    /// <exception cref="LinuxException">No packet sockets, or no CAP_NET_RAW in this namespace.</exception>
    public static Descriptor? Open()
    {
        const string Addresses = "/proc/thread-self/net/if_inet6", Loopback = "00000000000000000000000000000001 ";
        try
        {
            return File.ReadLines(Addresses).Any(line => line.StartsWith(Loopback, StringComparison.Ordinal)) ? PacketSocket.Open() : null;
        }
        catch (FileNotFoundException)
        {
            return null; // A kernel without IPv6.
        }
    }

    /// <summary>Whether the packet, behind so many bytes of link header, is for <c>::1</c>.</summary>
    public static bool Takes(Packet packet, int linkHeaderLength)
    {
        ReadOnlySpan<byte> bytes = packet.Span;
        return bytes.Length >= linkHeaderLength + Ipv6HeaderSize && bytes[linkHeaderLength] >> 4 == 6
            && bytes.Slice(linkHeaderLength + DestinationOffset, LoopbackV6.Length).SequenceEqual(LoopbackV6);
    }

    /// <summary>Makes the packet a frame of <c>lo</c>, whatever link it was made for.</summary>
    /// <returns>Bytes of link header that it has now.</returns>
    public static int Frame(Packet packet, int linkHeaderLength)
    {
        packet.TrimStart(linkHeaderLength);
        Header.CopyTo(packet.Prepend(EthernetHeaderSize));
        return EthernetHeaderSize;
    }

    /// <summary>Writes a frame. False when the kernel did not take it: it is lost, as on any network.</summary>
    public bool TryWrite(Packet packet, in VirtioHeader header)
    {
        byte* head = stackalloc byte[VirtioHeader.Size];
        header.Write(new Span<byte>(head, VirtioHeader.Size));
        // The protocol is named with each message, for the socket is bound to none: bound, it would hear all that is said on lo.
        PacketSocket.LinkAddress to = new() { Family = Sockets.FamilyPacket, Protocol = EtherTypeV6, Index = LoopbackIndex };
        fixed (byte* first = packet.Span)
        {
            Descriptors.IoVector* vectors = stackalloc Descriptors.IoVector[2];
            vectors[0] = new Descriptors.IoVector { Base = head, Length = VirtioHeader.Size };
            vectors[1] = new Descriptors.IoVector { Base = first, Length = (nuint)packet.Length };
            Sockets.Message message = new() { Name = &to, NameLength = (uint)sizeof(PacketSocket.LinkAddress), Vectors = vectors, VectorCount = 2 };
            while (Sockets.sendmsg(socket.Number, &message, Sockets.MessageDontWait | Sockets.MessageNoSignal) < 0)
            {
                if (Marshal.GetLastPInvokeError() != Errno.Interrupted) return false;
            }
        }
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => socket.Dispose();
}
