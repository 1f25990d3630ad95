using System.Net;
using System.Net.Sockets;
using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel;

/// <content>TCP and UDP as a user of the host sees them.</content>
public sealed partial class NetworkHost
{
    /// <summary>Connects.</summary>
    /// <param name="remote">An <see cref="IPEndPoint"/>, or a <see cref="DnsEndPoint"/> that the host's resolver knows.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="SocketException">It failed; the code says how. A rule's refusal is an <see cref="AccessDeniedException"/>.</exception>
    public async ValueTask<TcpStream> ConnectAsync(EndPoint remote, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(remote);
        FlowInfo flow = new() { Protocol = FlowProtocol.Tcp, Origin = Name, Destination = remote };
        DialResult result = await Dialer.DialAsync(remote, flow, cancellationToken).ConfigureAwait(false);
        return (TcpStream?)result.Stream ?? throw DialFailures.ToException(result.Failure, remote);
    }

    /// <summary>Connects from a certain endpoint of the host.</summary>
    /// <param name="local">Source; unspecified address and port 0 let the host choose.</param>
    /// <param name="remote">Destination.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="SocketException">It failed; the code says how.</exception>
    public async ValueTask<TcpStream> ConnectAsync(IPEndPoint local, IPEndPoint remote, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(local);
        ArgumentNullException.ThrowIfNull(remote);
        DialResult result = await DialAsync(local, remote, cancellationToken).ConfigureAwait(false);
        return (TcpStream?)result.Stream ?? throw DialFailures.ToException(result.Failure, remote);
    }

    internal async ValueTask<DialResult> DialAsync(IPEndPoint? local, IPEndPoint remote, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        TcpSocket socket = new(_shard) { Handshake = new HandshakeCompletion() };
        IpEndpoint destination = IpEndpoint.From(remote);
        IpEndpoint source = local is null ? new(destination.Address.IsV4 ? IpAddress.AnyV4 : IpAddress.AnyV6, 0) : IpEndpoint.From(local);
        (TcpSocket Socket, IpEndpoint Local, IpEndpoint Remote) state = (socket, source, destination);
        OpStatus status = _shard.Run(ref state, static (NetworkStack stack, ref (TcpSocket Socket, IpEndpoint Local, IpEndpoint Remote) s, Instant now, ref ShardWork _) =>
        {
            OpStatus begun = stack.Connect(s.Local, s.Remote, now, out SocketId id);
            if (begun == OpStatus.Ok) s.Socket.Join(stack, id);
            return begun;
        });
        if (status != OpStatus.Ok) return DialResult.Failed(DialFailures.From(status));
        TcpStream stream = new(socket);
        bool connected = false;
        try
        {
            connected = await socket.Handshake.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            socket.Handshake = null;
            if (connected) return DialResult.Connected(stream);
            NetworkFailure failure = socket.Failure;
            return DialResult.Failed(failure == NetworkFailure.None ? DialFailures.From(OpStatus.Stale) : DialFailures.From(failure));
        }
        finally
        {
            if (!connected)
            {
                stream.Abort();
                stream.Dispose();
            }
        }
    }

    /// <summary>Listens.</summary>
    /// <param name="local">An own address, or <see cref="IPAddress.Any"/> or <see cref="IPAddress.IPv6Any"/> (both families); port 0 chooses one.</param>
    /// <param name="backlog">
    /// Established connections that may wait to be accepted, and half-open ones besides, 1–65,535. Beyond it a half-open one gives way at
    /// random; its client, who may hold it for established, is reset when it speaks.
    /// </param>
    /// <exception cref="SocketException">The endpoint is taken or not ours.</exception>
    public StackListener Listen(IPEndPoint local, int backlog = 1_024)
    {
        ArgumentNullException.ThrowIfNull(local);
        ArgumentOutOfRangeException.ThrowIfLessThan(backlog, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(backlog, 65_535);
        ThrowIfEnded();
        StackListener listener = new(_shard, Name);
        OpStatus status = listener.Open(IpEndpoint.From(local), backlog);
        if (status == OpStatus.Ok) return listener;
        throw BindException(status, local);
    }

    /// <summary>Binds a UDP port.</summary>
    /// <param name="local">An own address or an unspecified one (of IPv6: both families); port 0 chooses one.</param>
    /// <param name="options">What is not ordinary about the port; null for nothing.</param>
    /// <exception cref="SocketException">The endpoint is taken or not ours.</exception>
    public IDatagramPort BindUdp(IPEndPoint local, DatagramPortSettings? options = null)
    {
        ThrowIfEnded();
        OpStatus status = TryBind(FlowProtocol.Udp, local, options, out StackDatagramPort port);
        return status == OpStatus.Ok ? port : throw BindException(status, local);
    }

    /// <summary>Opens a port for ICMP echo: what is sent begins with the sequence number (2 bytes, network order), and so do the replies.</summary>
    /// <param name="local">An own or unspecified address, whose family decides between ICMP and ICMPv6; the port is the identifier, 0 chooses one.</param>
    /// <exception cref="SocketException">The identifier is taken or the address not ours.</exception>
    public IDatagramPort BindEcho(IPEndPoint local)
    {
        ThrowIfEnded();
        OpStatus status = TryBind(FlowProtocol.IcmpEcho, local, null, out StackDatagramPort port);
        return status == OpStatus.Ok ? port : throw BindException(status, local);
    }

    internal BindResult TryBind(FlowProtocol protocol, IPEndPoint local)
    {
        OpStatus status = TryBind(protocol, local, null, out StackDatagramPort port);
        return status == OpStatus.Ok ? BindResult.Bound(port) : BindResult.Failed(DialFailures.From(status));
    }

    private OpStatus TryBind(FlowProtocol protocol, IPEndPoint local, DatagramPortSettings? settings, out StackDatagramPort port)
    {
        ArgumentNullException.ThrowIfNull(local);
        port = new StackDatagramPort(_shard, protocol, source: null);
        IpEndpoint where = IpEndpoint.From(local);
        DatagramPortOptions core = new()
        {
            Protocol = protocol == FlowProtocol.Udp ? IpProtocol.Udp : where.Address.IsV4 ? IpProtocol.Icmp : IpProtocol.IcmpV6,
            Local = where,
            Interface = settings?.Interface?.Id ?? InterfaceId.None,
            Broadcast = settings?.Broadcast ?? false,
            DontFragment = settings?.DontFragment ?? false,
        };
        (StackDatagramPort Port, DatagramPortOptions Options) state = (port, core);
        return _shard.Run(ref state, static (NetworkStack stack, ref (StackDatagramPort Port, DatagramPortOptions Options) s, Instant _, ref ShardWork _) =>
        {
            OpStatus bound = stack.Bind(s.Options, out SocketId id);
            if (bound == OpStatus.Ok) s.Port.Join(stack, id);
            return bound;
        });
    }

    private static SocketException BindException(OpStatus status, IPEndPoint local)
    {
        SocketError error = status switch
        {
            OpStatus.AddressInUse => SocketError.AddressAlreadyInUse,
            OpStatus.InvalidAddress => SocketError.AddressNotAvailable,
            OpStatus.LimitReached => SocketError.NoBufferSpaceAvailable,
            _ => SocketError.InvalidArgument,
        };
        return new SocketException((int)error, $"{local}: {status}");
    }
}
