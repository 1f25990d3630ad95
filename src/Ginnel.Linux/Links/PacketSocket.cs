using Ginnel.Linux.Native;

namespace Ginnel.Linux.Links;

/// <summary>AF_PACKET sockets that speak virtio headers.</summary>
internal static unsafe class PacketSocket
{
    private const int PacketVnetHeader = 15, PacketIgnoreOutgoing = 23, ReceiveBufferSize = 8, SendBufferSize = 7;
    private const int WantedBuffer = 8 << 20;

    /// <summary>struct sockaddr_ll.</summary>
    public struct LinkAddress
    {
        public ushort Family;
        /// <summary>In network order.</summary>
        public ushort Protocol;
        public int Index;
        public ushort HardwareType;
        public byte PacketType;
        public byte AddressLength;
        public fixed byte Address[8];
    }

    /// <summary>Opens one in the calling thread's network namespace: non-blocking, with PACKET_VNET_HDR, receiving nothing until bound.</summary>
    /// <exception cref="LinuxException">No packet sockets, or no CAP_NET_RAW in this namespace.</exception>
    public static Descriptor Open()
    {
        // Protocol 0 until bound: nothing of another interface is ever queued.
        int number = Sockets.socket(Sockets.FamilyPacket, Sockets.Raw | Sockets.CloseOnExec | Sockets.NonBlock, 0);
        if (number < 0) throw LinuxException.Last("socket", "AF_PACKET");
        Descriptor socket = new(number);
        if (!Sockets.SetInt(number, Sockets.LevelPacket, PacketVnetHeader, 1))
        {
            LinuxException failure = LinuxException.Last("setsockopt", "PACKET_VNET_HDR");
            socket.Dispose();
            throw failure;
        }
        // Frames that we send would come back to us. Before kernel 4.20 the option is unknown and the stack drops them by their source.
        Sockets.SetInt(number, Sockets.LevelPacket, PacketIgnoreOutgoing, 1);
        Sockets.SetInt(number, Sockets.LevelSocket, ReceiveBufferSize, WantedBuffer);
        Sockets.SetInt(number, Sockets.LevelSocket, SendBufferSize, WantedBuffer);
        return socket;
    }

    /// <summary>Binds it to an interface, and to a protocol in network order.</summary>
    /// <exception cref="LinuxException">There is no such interface.</exception>
    public static void Bind(Descriptor socket, int index, ushort protocol)
    {
        LinkAddress address = new() { Family = Sockets.FamilyPacket, Protocol = protocol, Index = index };
        if (Sockets.bind(socket.Number, &address, (uint)sizeof(LinkAddress)) != 0) throw LinuxException.Last("bind", "AF_PACKET");
    }
}
