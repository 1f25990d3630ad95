using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Ginnel.Linux.Events;
using Ginnel.Linux.Native;
using NativeSockets = Ginnel.Linux.Native.Sockets;

namespace Ginnel.Linux.Datagrams;

/// <summary>
/// The host's UDP and echo sockets as Linux offers them: an error comes back as an item that names its target (IP_RECVERR), and echo works
/// where <c>net.ipv4.ping_group_range</c> admits this process, or through a raw socket where it has CAP_NET_RAW.
/// </summary>
public sealed class LinuxDatagramSockets : IHostDatagramSockets
{
    private const int ProtocolIcmp = 1, ProtocolIcmpV6 = 58, ProtocolUdp = 17, LevelRaw = 255;
    private const int OptionV6Only = 26, OptionIcmpFilter = 1, MtuDiscoverV4 = 10, MtuDiscoverV6 = 23, DiscoverDo = 2;

    /// <summary>
    /// Whether datagrams are never fragmented by this host: one that does not fit comes back as an item with the path's MTU. Otherwise the
    /// kernel fragments what is longer than the path MTU that it knows.
    /// </summary>
    public bool DontFragment { get; init; }

    /// <summary>Who watches them; outlives them. Null: the process's.</summary>
    public EventLoop? EventLoop { get; init; }

    private EventLoop Loop => EventLoop ?? EventLoop.Shared;

    /// <summary>Sockets with the host's ordinary fragmentation.</summary>
    public static LinuxDatagramSockets Shared { get; } = new();

    /// <inheritdoc/>
    public BindResult BindUdp(IPEndPoint local)
    {
        ArgumentNullException.ThrowIfNull(local);
        bool isV6 = local.AddressFamily == AddressFamily.InterNetworkV6;
        Descriptor? socket = Open(isV6, NativeSockets.Datagram, ProtocolUdp, out int error);
        if (socket is null && error == Errno.AddressFamily && local.Address.Equals(IPAddress.IPv6Any))
        {
            // A host without IPv6 (ipv6.disable=1): "any address" then means those that it has.
            (isV6, local) = (false, new IPEndPoint(IPAddress.Any, local.Port));
            socket = Open(isV6, NativeSockets.Datagram, ProtocolUdp, out error);
        }
        if (socket is null) return BindResult.Failed(HostErrors.MapBind(error));
        if (isV6) NativeSockets.SetInt(socket.Number, NativeSockets.LevelIpv6, OptionV6Only, 0);
        if (DontFragment)
        {
            NativeSockets.SetInt(socket.Number, NativeSockets.LevelIp, MtuDiscoverV4, DiscoverDo);
            if (isV6) NativeSockets.SetInt(socket.Number, NativeSockets.LevelIpv6, MtuDiscoverV6, DiscoverDo);
        }
        IPEndPoint? bound = Bind(socket, local, out error);
        if (bound is not null) return Finish(socket, () => new UdpPort(Loop, socket, local.AddressFamily, bound));
        socket.Dispose();
        return BindResult.Failed(HostErrors.MapBind(error));
    }

    /// <inheritdoc/>
    public BindResult BindEcho(AddressFamily family)
    {
        bool isV6 = family == AddressFamily.InterNetworkV6;
        int protocol = isV6 ? ProtocolIcmpV6 : ProtocolIcmp;
        Descriptor? socket = Open(isV6, NativeSockets.Datagram, protocol, out int error);
        if (socket is not null) return Finish(socket, () => new EchoPort(Loop, socket, family, isRaw: false, 0));
        if (error is Errno.TooManyFiles or Errno.TooManyFilesSystem or Errno.NoBuffers) return BindResult.Failed(HostErrors.MapBind(error));
        socket = Open(isV6, NativeSockets.Raw, protocol, out error);
        if (socket is null)
        {
            return error is Errno.Perm or Errno.Access
                ? BindResult.Failed(DialFailureKind.Unsupported,
                    "this user may not ping here: sysctl net.ipv4.ping_group_range admits no group of theirs")
                : BindResult.Failed(HostErrors.MapBind(error));
        }
        Filter(socket, isV6);
        ushort identifier = (ushort)RandomNumberGenerator.GetInt32(1, 65536);
        return Finish(socket, () => new EchoPort(Loop, socket, family, isRaw: true, identifier));
    }

    private static BindResult Finish(Descriptor socket, Func<IDatagramPort> make)
    {
        try
        {
            return BindResult.Bound(make());
        }
        catch (LinuxException failure)
        {
            socket.Dispose();
            return BindResult.Failed(HostErrors.MapBind(failure.ErrorNumber));
        }
    }

    private static Descriptor? Open(bool isV6, int type, int protocol, out int error)
    {
        int family = isV6 ? NativeSockets.FamilyInet6 : NativeSockets.FamilyInet;
        int number = NativeSockets.socket(family, type | NativeSockets.CloseOnExec | NativeSockets.NonBlock, protocol);
        error = number < 0 ? Marshal.GetLastPInvokeError() : 0;
        if (number < 0) return null;
        ErrorQueue.Enable(number, isV6);
        return new Descriptor(number);
    }

    private static unsafe IPEndPoint? Bind(Descriptor socket, IPEndPoint local, out int error)
    {
        byte* name = stackalloc byte[SocketAddress.MaxSize];
        Span<byte> bytes = new(name, SocketAddress.MaxSize);
        uint length = (uint)SocketAddress.Write(local, local.AddressFamily, bytes);
        error = NativeSockets.bind(socket.Number, name, length) == 0 ? 0 : Marshal.GetLastPInvokeError();
        if (error != 0) return null;
        length = SocketAddress.MaxSize;
        return NativeSockets.getsockname(socket.Number, name, &length) == 0 ? SocketAddress.Read(bytes[..(int)length]) : local;
    }

    /// <summary>
    /// Lets only echo replies through to a raw socket (raw(7), RFC 3542 section 3.2); everything else is sorted out by the port.
    /// </summary>
    private static unsafe void Filter(Descriptor socket, bool isV6)
    {
        const int ReplyV6 = 129;
        if (isV6)
        {
            uint* blocked = stackalloc uint[8];
            new Span<uint>(blocked, 8).Fill(uint.MaxValue);
            blocked[ReplyV6 >> 5] &= ~(1u << (ReplyV6 & 31));
            NativeSockets.setsockopt(socket.Number, ProtocolIcmpV6, OptionIcmpFilter, blocked, 32);
            return;
        }
        uint allButReply = ~1u;
        NativeSockets.setsockopt(socket.Number, LevelRaw, OptionIcmpFilter, &allButReply, sizeof(uint));
    }
}
