using System.Net;
using System.Net.Sockets;

namespace Ginnel;

/// <summary>
/// UDP by the base library's sockets, one datagram a call: the carrier for systems for which there is no better. IPv4 and IPv6 through one
/// socket where the host has both. Datagrams that do not fit the path are fragmented by the host.
/// </summary>
public sealed class UdpCarrier : IDatagramCarrier
{
    private const int MaxUdp = 65_507, MaxKnown = 4_096, MaxAtOnce = 64;
    private const int LevelIpV6 = 41, MtuDiscoverV6 = 23;
    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(1);
    private readonly Socket _socket;
    private readonly TimeProvider _time;
    private readonly Dictionary<SocketAddress, UdpEndpoint> _known = [];
    private ICarrierSink? _sink;
    private int _waitsForRoom;

    private UdpCarrier(Socket socket, TimeProvider time)
    {
        (_socket, _time) = (socket, time);
        LocalEndPoint = socket.LocalEndPoint;
    }

    /// <inheritdoc/>
    public EndPoint? LocalEndPoint { get; }

    /// <inheritdoc/>
    public int MaxDatagram => MaxUdp;

    /// <inheritdoc/>
    public int MaxSegments => 1;

    /// <inheritdoc/>
    public bool CanReach(CarrierEndpoint endpoint) => endpoint is UdpEndpoint;

    /// <summary>Binds a port of the host.</summary>
    /// <param name="local">Where; <c>[::]</c> takes both families if the host has IPv6, and IPv4 if not. Port 0 chooses one.</param>
    /// <param name="time">The clock; null for that of the process.</param>
    /// <exception cref="SocketException">The port is taken, or not ours.</exception>
    public static UdpCarrier Bind(IPEndPoint local, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(local);
        if (local.Address.Equals(IPAddress.IPv6Any) && !Socket.OSSupportsIPv6) local = new IPEndPoint(IPAddress.Any, local.Port);
        Socket socket = new(local.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { Blocking = false };
        try
        {
            if (local.AddressFamily == AddressFamily.InterNetworkV6) socket.DualMode = local.Address.Equals(IPAddress.IPv6Any);
            AllowFragments(socket);
            socket.ReceiveBufferSize = socket.SendBufferSize = 4 << 20;
            socket.Bind(local);
            return new UdpCarrier(socket, time ?? TimeProvider.System);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public async Task RunAsync(ICarrierSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(sink);
        if (Interlocked.CompareExchange(ref _sink, sink, null) is not null) throw new InvalidOperationException("The carrier runs already.");
        byte[] buffer = GC.AllocateUninitializedArray<byte>(65_536, pinned: true);
        SocketAddress sender = new(_socket.AddressFamily);
        while (true)
        {
            try
            {
                int length = await _socket.ReceiveFromAsync(buffer, SocketFlags.None, sender, cancellationToken).ConfigureAwait(false);
                Deliver(sink, sender, buffer.AsSpan(0, length));
                for (int more = 1; more < MaxAtOnce && _socket.Available > 0; more++)
                    Deliver(sink, sender, buffer.AsSpan(0, _socket.ReceiveFrom(buffer.AsSpan(), SocketFlags.None, sender)));
                sink.EndOfBatch();
            }
            catch (Exception ended) when (ended is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException failure) when (failure.SocketErrorCode == SocketError.OperationAborted)
            {
                return;
            }
            catch (SocketException)
            {
                // About an earlier datagram (an ICMP error), or somebody was quicker at the queue: the next one is not affected.
                sink.EndOfBatch();
            }
        }
    }

    /// <inheritdoc/>
    public bool TrySend(CarrierEndpoint to, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        if (to is not UdpEndpoint endpoint) throw new ArgumentException("The endpoint is not of UDP.", nameof(to));
        try
        {
            _socket.SendTo(datagrams, SocketFlags.None, endpoint.ToSocketAddress(_socket.AddressFamily));
            return true;
        }
        catch (SocketException failure) when (failure.SocketErrorCode is SocketError.WouldBlock or SocketError.NoBufferSpaceAvailable)
        {
            if (Interlocked.Exchange(ref _waitsForRoom, 1) == 0) _ = TellWhenThereIsRoomAsync();
            return false;
        }
        catch (Exception failure) when (failure is SocketException or ObjectDisposedException)
        {
            // Unreachable, too long, forbidden: lost, as on any network.
            return true;
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        return default;
    }

    private void Deliver(ICarrierSink sink, SocketAddress sender, Span<byte> datagram)
    {
        if (datagram.IsEmpty) return;
        if (!_known.TryGetValue(sender, out UdpEndpoint? from))
        {
            // Strangers' addresses must not pile up; who is still there is known again with the next datagram.
            if (_known.Count >= MaxKnown) _known.Clear();
            from = new UdpEndpoint((IPEndPoint)new IPEndPoint(sender.Family == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0).Create(sender));
            SocketAddress copy = new(sender.Family, sender.Size);
            sender.Buffer.Span[..sender.Size].CopyTo(copy.Buffer.Span);
            _known.Add(copy, from);
        }
        sink.Deliver(from, datagram, datagram.Length);
    }

    // The base library does not say when a datagram socket has room again.
    private async Task TellWhenThereIsRoomAsync()
    {
        await Task.Delay(Breath, _time).ConfigureAwait(false);
        Volatile.Write(ref _waitsForRoom, 0);
        _sink?.Writable();
    }

    private static void AllowFragments(Socket socket)
    {
        try
        {
            if (socket.AddressFamily == AddressFamily.InterNetwork || socket.DualMode) socket.DontFragment = false;
            if (OperatingSystem.IsLinux() && socket.AddressFamily == AddressFamily.InterNetworkV6)
                socket.SetRawSocketOption(LevelIpV6, MtuDiscoverV6, BitConverter.GetBytes(0));
        }
        catch (Exception failure) when (failure is SocketException or NotSupportedException)
        {
            // Then the system's own ways hold.
        }
    }
}
