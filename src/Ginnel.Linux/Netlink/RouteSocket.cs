using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Ginnel.Linux.Native;
using Ginnel.Wire;
using NativeSockets = Ginnel.Linux.Native.Sockets;

namespace Ginnel.Linux.Netlink;

/// <summary>
/// Configures interfaces of the network namespace in which it was opened (rtnetlink(7)). Each request waits for its acknowledgement.
/// </summary>
internal sealed unsafe class RouteSocket : IDisposable
{
    private const int RouteProtocol = 0;
    private const ushort NewLink = 16, SetLink = 19, NewAddress = 20, NewRoute = 24, ErrorMessage = 2;
    private const ushort FlagCreate = 0x400, FlagExclusive = 0x200;
    private const uint InterfaceUp = 1;
    private const ushort LinkAddress = 1, LinkName = 3, LinkMtu = 4, LinkInformation = 18, LinkSpecific = 26, LinkNamespaceDescriptor = 28;
    private const ushort InformationKind = 1, InformationData = 2, VethPeer = 1, Ipv6AddressGeneration = 8;
    private const ushort AddressAddress = 1, AddressLocal = 2, AddressFlags = 8, RouteGateway = 5, RouteOutput = 4;
    private const uint AddressNoDuplicateDetection = 2;
    private readonly Descriptor _socket;
    private readonly byte[] _buffer = new byte[4096];
    private uint _sequence;

    /// <summary>struct ifinfomsg.</summary>
    private readonly record struct LinkPart(byte Family, byte Padding, ushort Type, int Index, uint Flags, uint Change)
    {
        public static LinkPart For(int index, uint flags = 0) => new(0, 0, 0, index, flags, flags);
    }

    /// <summary>struct ifaddrmsg.</summary>
    private readonly record struct AddressPart(byte Family, byte PrefixLength, byte Flags, byte Scope, int Index);

    /// <summary>struct rtmsg.</summary>
    private readonly record struct RoutePart(
        byte Family, byte DestinationLength, byte SourceLength, byte TypeOfService, byte Table, byte Protocol, byte Scope, byte Type,
        uint Flags);

    private RouteSocket(Descriptor socket) => _socket = socket;

    /// <summary>Opens a socket in the calling thread's network namespace.</summary>
    /// <exception cref="LinuxException">No descriptor is left.</exception>
    public static RouteSocket Open()
    {
        int number = NativeSockets.socket(NativeSockets.FamilyNetlink, NativeSockets.Raw | NativeSockets.CloseOnExec, RouteProtocol);
        return number >= 0 ? new RouteSocket(new Descriptor(number)) : throw LinuxException.Last("socket", "AF_NETLINK");
    }

    /// <summary>An interface's number in the calling thread's namespace.</summary>
    /// <exception cref="LinuxException">There is none of that name.</exception>
    public static int IndexOf(string name)
    {
        fixed (byte* bytes = CString.From(name))
        {
            uint index = Namespaces.if_nametoindex(bytes);
            return index != 0 ? (int)index : throw LinuxException.Last("if_nametoindex", name);
        }
    }

    /// <summary>Makes a pair of Ethernet devices: one here, its peer in another namespace.</summary>
    public void AddVeth(string name, MacAddress address, string peerName, MacAddress peerAddress, int peerNamespace, int mtu)
    {
        NetlinkMessage message = Begin(NewLink, FlagCreate | FlagExclusive);
        message.Append(LinkPart.For(0));
        Describe(ref message, name, address, mtu);
        int information = message.Open(LinkInformation);
        message.Add(InformationKind, "veth");
        int data = message.Open(InformationData);
        int peer = message.Open(VethPeer);
        message.Append(LinkPart.For(0));
        Describe(ref message, peerName, peerAddress, mtu);
        message.Add(LinkNamespaceDescriptor, (uint)peerNamespace);
        message.End(peer);
        message.End(data);
        message.End(information);
        Request(message.Close(), "RTM_NEWLINK", peerName);
    }

    /// <summary>Sets the MTU and brings the interface up.</summary>
    public void BringUp(int index, int? mtu = null)
    {
        NetlinkMessage message = Begin(SetLink, 0);
        message.Append(LinkPart.For(index, InterfaceUp));
        if (mtu is { } bytes) message.Add(LinkMtu, (uint)bytes);
        Request(message.Close(), "RTM_SETLINK", "interface up");
    }

    /// <summary>Keeps the kernel from giving the interface a link-local IPv6 address of its own choice.</summary>
    public void DisableAddressGeneration(int index)
    {
        const byte ModeNone = 1;
        NetlinkMessage message = Begin(SetLink, 0);
        message.Append(LinkPart.For(index));
        int specific = message.Open(LinkSpecific);
        int family = message.Open(NativeSockets.FamilyInet6);
        message.Add(Ipv6AddressGeneration, [ModeNone]);
        message.End(family);
        message.End(specific);
        Request(message.Close(), "RTM_SETLINK", "addrgenmode none");
    }

    /// <summary>Gives the interface an address; IPv6 ones are used at once, without duplicate detection.</summary>
    public void AddAddress(int index, IPAddress address, int prefixLength)
    {
        NetlinkMessage message = Begin(NewAddress, FlagCreate | FlagExclusive);
        message.Append(new AddressPart(Family(address), (byte)prefixLength, 0, 0, index));
        byte[] bytes = address.GetAddressBytes();
        message.Add(AddressLocal, bytes);
        message.Add(AddressAddress, bytes);
        if (address.AddressFamily == AddressFamily.InterNetworkV6) message.Add(AddressFlags, AddressNoDuplicateDetection);
        Request(message.Close(), "RTM_NEWADDR", address);
    }

    /// <summary>Makes a gateway the default route of its family.</summary>
    public void AddDefaultRoute(int index, IPAddress gateway)
    {
        const byte TableMain = 254, ProtocolBoot = 3, ScopeUniverse = 0, TypeUnicast = 1;
        NetlinkMessage message = Begin(NewRoute, FlagCreate | FlagExclusive);
        message.Append(new RoutePart(Family(gateway), 0, 0, 0, TableMain, ProtocolBoot, ScopeUniverse, TypeUnicast, 0));
        message.Add(RouteGateway, gateway.GetAddressBytes());
        message.Add(RouteOutput, (uint)index);
        Request(message.Close(), "RTM_NEWROUTE", gateway);
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private static byte Family(IPAddress address) =>
        (byte)(address.AddressFamily == AddressFamily.InterNetwork ? NativeSockets.FamilyInet : NativeSockets.FamilyInet6);

    private static void Describe(ref NetlinkMessage message, string name, MacAddress address, int mtu)
    {
        message.Add(LinkName, name);
        Span<byte> bytes = stackalloc byte[6];
        address.Write(bytes);
        message.Add(LinkAddress, bytes);
        message.Add(LinkMtu, (uint)mtu);
    }

    private NetlinkMessage Begin(ushort type, ushort flags) => new(_buffer, type, flags, ++_sequence);

    // The subject is put into words only for a failure.
    private void Request(ReadOnlySpan<byte> message, string call, object subject)
    {
        fixed (byte* first = message)
        {
            if (Descriptors.write(_socket.Number, first, (nuint)message.Length) != message.Length) throw LinuxException.Last(call, subject.ToString());
        }
        byte* answer = stackalloc byte[1024];
        while (true)
        {
            nint length = Descriptors.read(_socket.Number, answer, 1024);
            if (length < 0 && Marshal.GetLastPInvokeError() == Errno.Interrupted) continue;
            if (length < 20) throw LinuxException.Last(call, subject.ToString());
            if (*(ushort*)(answer + 4) != ErrorMessage || *(uint*)(answer + 8) != _sequence) continue;
            int error = -*(int*)(answer + 16);
            if (error != 0) throw new LinuxException(call, error, subject.ToString());
            return;
        }
    }
}
