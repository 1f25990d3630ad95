using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Ginnel.Linux.Datagrams;
using Ginnel.Linux.Events;
using Ginnel.Linux.Native;
using Ginnel.Wire;
using NativeSockets = Ginnel.Linux.Native.Sockets;
using SocketAddress = Ginnel.Linux.Datagrams.SocketAddress;

namespace Ginnel.Linux.Carriers;

/// <summary>
/// UDP as Linux does it best: up to 64 datagrams of one size go in one call (UDP_SEGMENT) and come in one (UDP_GRO), read by an event
/// loop. Where the kernel has neither, datagram by datagram. What does not fit the path is fragmented.
/// </summary>
public sealed unsafe class UdpSegmentCarrier : IDatagramCarrier
{
    private const int LevelUdp = UdpSegments.LevelUdp, OptionSegment = UdpSegments.Option, OptionGro = 104;
    private const int MtuDiscoverV4 = 10, MtuDiscoverV6 = 23, V6Only = 26, ReceiveBuffer = 8, SendBuffer = 7;
    private const int TrafficClassV4 = 1, TellTrafficClassV4 = 13, TellTrafficClassV6 = 66, TrafficClassV6 = 67;
    private const int MaxUdp = 65_507, MaxKnown = 4_096, BufferBytes = 4 << 20;

    /// <summary>Reads before what has come is handled, so that a flood does not hold up those who wait.</summary>
    private const int ReadsAtOnce = 16;

    private readonly Descriptor _socket;
    private readonly AddressFamily _family;
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(65_536, pinned: true);
    private readonly Dictionary<UInt128Port, UdpEndpoint> _known = [];
    private volatile bool _segments;
    private readonly DescriptorLife _life;

    private UdpSegmentCarrier(Descriptor socket, IPEndPoint local)
    {
        _socket = socket;
        _life = new DescriptorLife(socket.Dispose, "The carrier runs already.");
        _family = local.AddressFamily;
        LocalEndPoint = local;
        _segments = NativeSockets.SetInt(socket.Number, LevelUdp, OptionSegment, 0);
        NativeSockets.SetInt(socket.Number, LevelUdp, OptionGro, 1);
        bool tells = NativeSockets.SetInt(socket.Number, NativeSockets.LevelIp, TellTrafficClassV4, 1);
        if (_family == AddressFamily.InterNetworkV6) tells &= NativeSockets.SetInt(socket.Number, NativeSockets.LevelIpv6, TellTrafficClassV6, 1);
        CarriesEcn = tells;
    }

    /// <summary>Who reads it; set before the carrier runs, and outlives it. Null: a loop of its own while it runs.</summary>
    public EventLoop? EventLoop { get; set; }

    /// <inheritdoc/>
    public EndPoint? LocalEndPoint { get; }

    /// <inheritdoc/>
    public int MaxDatagram => MaxUdp;

    /// <inheritdoc/>
    public bool CarriesEcn { get; }

    /// <inheritdoc/>
    public int MaxSegments => _segments ? UdpSegments.Most : 1;

    /// <inheritdoc/>
    public bool CanReach(CarrierEndpoint endpoint) => endpoint is UdpEndpoint;

    /// <summary>Binds a port of the host.</summary>
    /// <param name="local">Where; <c>[::]</c> takes both families if the host has IPv6, and IPv4 if not. Port 0 chooses one.</param>
    /// <exception cref="LinuxException">The port is taken, or not ours.</exception>
    public static UdpSegmentCarrier Bind(IPEndPoint local)
    {
        ArgumentNullException.ThrowIfNull(local);
        bool isV6 = local.AddressFamily == AddressFamily.InterNetworkV6;
        int number = Open(isV6);
        if (number < 0 && Marshal.GetLastPInvokeError() == Errno.AddressFamily && local.Address.Equals(IPAddress.IPv6Any))
        {
            (isV6, local) = (false, new IPEndPoint(IPAddress.Any, local.Port));
            number = Open(isV6);
        }
        if (number < 0) throw LinuxException.Last("socket");
        Descriptor socket = new(number);
        try
        {
            if (isV6)
            {
                NativeSockets.SetInt(number, NativeSockets.LevelIpv6, V6Only, local.Address.Equals(IPAddress.IPv6Any) ? 0 : 1);
                NativeSockets.SetInt(number, NativeSockets.LevelIpv6, MtuDiscoverV6, 0);
            }
            NativeSockets.SetInt(number, NativeSockets.LevelIp, MtuDiscoverV4, 0);
            NativeSockets.SetInt(number, NativeSockets.LevelSocket, ReceiveBuffer, BufferBytes);
            NativeSockets.SetInt(number, NativeSockets.LevelSocket, SendBuffer, BufferBytes);
            return new UdpSegmentCarrier(socket, BindTo(number, local));
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public Task RunAsync(ICarrierSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(sink);
        return _life.Run(() => new Reader(this, sink), cancellationToken);
    }

    /// <inheritdoc/>
    public bool TrySend(CarrierEndpoint to, ReadOnlySpan<byte> datagrams, int segmentSize) => TrySend(to, datagrams, segmentSize, EcnCodepoint.NotEct);

    /// <inheritdoc/>
    public bool TrySend(CarrierEndpoint to, ReadOnlySpan<byte> datagrams, int segmentSize, EcnCodepoint ecn)
    {
        if (to is not UdpEndpoint endpoint) throw new ArgumentException("The endpoint is not of UDP.", nameof(to));
        bool areSeveral = datagrams.Length > segmentSize;
        int error = areSeveral && !_segments ? Errno.Invalid : Send(endpoint, datagrams, segmentSize, ecn);
        if (areSeveral && error is Errno.Invalid or Errno.IO or Errno.MessageTooLong)
        {
            // The path to this endpoint is too narrow for whole segments, which then go one by one and are fragmented; or a device on the
            // way cannot segment at all, and it need not be tried again. Older kernels say the same to both.
            if (error != Errno.MessageTooLong) _segments = false;
            for (error = 0; !datagrams.IsEmpty && error != Errno.Again; datagrams = datagrams[Math.Min(segmentSize, datagrams.Length)..])
                error = Send(endpoint, datagrams[..Math.Min(segmentSize, datagrams.Length)], segmentSize, ecn);
            return true;
        }
        if (error is not (Errno.Again or Errno.NoBuffers)) return true;
        _life.NoteFull();
        return false;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _life.Dispose();
        return default;
    }

    private int Send(UdpEndpoint endpoint, ReadOnlySpan<byte> bytes, int segmentSize, EcnCodepoint ecn)
    {
        byte* name = stackalloc byte[SocketAddress.MaxSize];
        byte* control = stackalloc byte[64];
        fixed (byte* data = bytes)
        {
            Descriptors.IoVector vector = new() { Base = data, Length = (nuint)bytes.Length };
            NativeSockets.Message message = new() { Name = name, Vectors = &vector, VectorCount = 1 };
            message.NameLength = (uint)SocketAddress.Write(endpoint.Address, _family, new Span<byte>(name, SocketAddress.MaxSize));
            ControlWriter writer = new(control);
            if (bytes.Length > segmentSize) writer.AddShort(LevelUdp, OptionSegment, (ushort)segmentSize);
            if (ecn != EcnCodepoint.NotEct)
            {
                bool isV4 = endpoint.Address.AddressFamily == AddressFamily.InterNetwork || endpoint.Address.Address.IsIPv4MappedToIPv6;
                writer.AddInt(isV4 ? NativeSockets.LevelIp : NativeSockets.LevelIpv6, isV4 ? TrafficClassV4 : TrafficClassV6, (int)ecn);
            }
            if (writer.Length > 0) message.Control = control;
            message.ControlLength = writer.Length;
            while (NativeSockets.sendmsg(_socket.Number, &message, NativeSockets.MessageNoSignal) < 0)
            {
                int error = Marshal.GetLastPInvokeError();
                if (error != Errno.Interrupted) return error;
            }
            return 0;
        }
    }

    /// <summary>Receives what one call brings; false when nothing is there.</summary>
    private bool TryReceive(ICarrierSink sink)
    {
        byte* name = stackalloc byte[SocketAddress.MaxSize];
        byte* control = stackalloc byte[64];
        fixed (byte* data = _buffer)
        {
            Descriptors.IoVector vector = new() { Base = data, Length = (nuint)_buffer.Length };
            NativeSockets.Message message = new()
            {
                Name = name, NameLength = SocketAddress.MaxSize, Vectors = &vector, VectorCount = 1, Control = control, ControlLength = 64,
            };
            nint length = NativeSockets.recvmsg(_socket.Number, &message, NativeSockets.MessageDontWait);
            if (length < 0)
            {
                int error = Marshal.GetLastPInvokeError();
                if (error == Errno.Again) return false;
                // Anything else is about an earlier datagram (an ICMP error), or an interruption; a socket that is gone says so in poll.
                return error != Errno.BadDescriptor ? true : throw new LinuxException("recvmsg", error);
            }
            if (length == 0 || (message.Flags & NativeSockets.MessageTruncated) != 0) return true;
            ReadControl(message, out int size, out EcnCodepoint ecn);
            if (EndpointOf(new ReadOnlySpan<byte>(name, (int)message.NameLength)) is { } from)
                sink.Deliver(from, _buffer.AsSpan(0, (int)length), size > 0 ? size : (int)length, ecn);
            return true;
        }
    }

    private static void ReadControl(in NativeSockets.Message message, out int segmentSize, out EcnCodepoint ecn)
    {
        (segmentSize, ecn) = (0, EcnCodepoint.NotEct);
        ReadOnlySpan<byte> rest = new(message.Control, (int)message.ControlLength);
        int headerSize = (int)NativeSockets.Align((nuint)sizeof(NativeSockets.ControlHeader));
        while (rest.Length > headerSize)
        {
            NativeSockets.ControlHeader header = MemoryMarshal.Read<NativeSockets.ControlHeader>(rest);
            if (header.Length <= (nuint)headerSize || header.Length > (nuint)rest.Length) return;
            ReadOnlySpan<byte> value = rest[headerSize..(int)header.Length];
            switch ((header.Level, header.Type))
            {
                case (LevelUdp, OptionGro) when value.Length >= sizeof(int): segmentSize = MemoryMarshal.Read<int>(value); break;
                // Of IPv4 the octet itself, of IPv6 a number.
                case (NativeSockets.LevelIp, TrafficClassV4): ecn = (EcnCodepoint)(value[0] & 3); break;
                case (NativeSockets.LevelIpv6, TrafficClassV6) when value.Length >= sizeof(int): ecn = (EcnCodepoint)(MemoryMarshal.Read<int>(value) & 3); break;
            }
            rest = rest[Math.Min(rest.Length, (int)NativeSockets.Align(header.Length))..];
        }
    }

    private UdpEndpoint? EndpointOf(ReadOnlySpan<byte> name)
    {
        UInt128Port key = UInt128Port.From(name);
        if (_known.TryGetValue(key, out UdpEndpoint? known)) return known;
        if (SocketAddress.Read(name) is not { } address) return null;
        // Strangers' addresses must not pile up; who is still there is known again with the next datagram.
        if (_known.Count >= MaxKnown) _known.Clear();
        return _known[key] = new UdpEndpoint(address);
    }

    private static int Open(bool isV6) => NativeSockets.socket(
        isV6 ? NativeSockets.FamilyInet6 : NativeSockets.FamilyInet, NativeSockets.Datagram | NativeSockets.CloseOnExec | NativeSockets.NonBlock, LevelUdp);

    private static IPEndPoint BindTo(int socket, IPEndPoint local)
    {
        byte* name = stackalloc byte[SocketAddress.MaxSize];
        Span<byte> bytes = new(name, SocketAddress.MaxSize);
        uint length = (uint)SocketAddress.Write(local, local.AddressFamily, bytes);
        if (NativeSockets.bind(socket, name, length) < 0) throw LinuxException.Last("bind", local.ToString());
        length = SocketAddress.MaxSize;
        if (NativeSockets.getsockname(socket, name, &length) < 0) throw LinuxException.Last("getsockname");
        return new IPEndPoint(local.Address, SocketAddress.Read(bytes[..(int)length])!.Port);
    }

    /// <summary>A socket address as a key, without an object for each datagram.</summary>
    private readonly record struct UInt128Port(UInt128 First, UInt128 Second)
    {
        public static UInt128Port From(ReadOnlySpan<byte> name)
        {
            Span<byte> whole = stackalloc byte[32];
            whole.Clear();
            name[..Math.Min(name.Length, 32)].CopyTo(whole);
            return MemoryMarshal.Read<UInt128Port>(whole);
        }
    }

    private sealed class Reader(UdpSegmentCarrier carrier, ICarrierSink sink) : DescriptorReader(carrier._socket, carrier.EventLoop, "carrier udp")
    {
        protected override void Read()
        {
            for (int reads = 0; reads < ReadsAtOnce && carrier.TryReceive(sink); reads++)
            {
            }
            sink.EndOfBatch();
        }

        protected override void Writable() => sink.Writable();

        protected override void OnEnded() => carrier._life.EndRun();

        protected override Exception Describe(Exception failure) => failure as IOException ?? new IOException($"The UDP carrier failed: {failure.Message}", failure);
    }
}
