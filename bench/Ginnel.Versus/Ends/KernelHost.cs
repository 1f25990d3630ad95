using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Ginnel.Linux.Events;
using Ginnel.Linux.Links;
using Ginnel.Linux.Netlink;
using Ginnel.Versus.Paths;
using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel.Versus.Ends;

/// <summary>The kernel's stack in a namespace, behind a TUN device without offload.</summary>
internal sealed class KernelHost : IVersusHost, IPathEnd, ILinkSink
{
    internal const int Mtu = 1500;
    internal const string CongestionControl = "cubic";
    private const int TcpLevel = 6, TcpCongestion = 13, Chunk = 64 << 10;

    /// <summary>How the kernel's TCP is set in every namespace; what else it has are its defaults.</summary>
    internal static readonly (string Name, string Value)[] Settings =
    [
        ("tcp_no_metrics_save", "1"), ("tcp_timestamps", "1"), ("tcp_sack", "1"), ("tcp_dsack", "1"), ("tcp_ecn", "0"), ("tcp_window_scaling", "1"),
        ("tcp_rmem", string.Create(CultureInfo.InvariantCulture, $"4096 131072 {OwnHost.Buffer}")),
        ("tcp_wmem", string.Create(CultureInfo.InvariantCulture, $"4096 131072 {OwnHost.Buffer}")),
    ];

    private readonly Space _space = new(Settings);
    private readonly TunLink _device;
    private readonly PathDirection _out;
    private readonly PacketPool _pool;

    internal KernelHost(byte lastOctet, PathDirection way, PacketPool pool, EventLoop loop)
    {
        (_out, _pool) = (way, pool);
        Address = new IPAddress([10, 77, 0, lastOctet]);
        _device = _space.Run(() =>
        {
            TunLink device = TunLink.Open("path", Mtu, offload: false);
            using RouteSocket route = RouteSocket.Open();
            int index = RouteSocket.IndexOf(device.Name);
            route.AddAddress(index, Address, 24);
            route.BringUp(index, Mtu);
            return device;
        });
        _device.EventLoop = loop;
        _ = _device.RunAsync(this, CancellationToken.None);
    }

    public IPAddress Address { get; }

    /// <summary>Packets that the kernel's device did not take.</summary>
    internal long Refused { get; private set; }

    public IReceivingFlow Receive(int port)
    {
        Socket listener = Make();
        listener.Bind(new IPEndPoint(Address, port));
        listener.Listen(1);
        return new Receiving(listener);
    }

    public ISendingFlow Send(IPEndPoint destination) => new Sending(Make(), destination);

    public void Deliver(ref PacketQueue batch)
    {
        // What the device brings goes out; both sides of it come here, told apart by the receiver.
        _out.Enter(ref batch);
    }

    void IPathEnd.Deliver(ref PacketQueue batch)
    {
        _device.Send(ref batch);
        Refused += batch.Count;
        batch.ReturnAll();
    }

    bool IPacketSource.TryRent(PacketSize size, out Packet packet) => _pool.TryRent(size, out packet);

    void ILinkSink.Writable()
    {
    }

    void ILinkSink.Changed(LinkProperties properties, bool up)
    {
    }

    public async ValueTask DisposeAsync()
    {
        await _device.DisposeAsync();
        _space.Dispose();
    }

    // A socket belongs to the namespace in which it is made, whoever uses it.
    private Socket Make() => _space.Run(() =>
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { LingerState = new LingerOption(true, 0) };
        socket.SetRawSocketOption(TcpLevel, TcpCongestion, Encoding.ASCII.GetBytes(CongestionControl));
        return socket;
    });

    private sealed class Receiving : IReceivingFlow
    {
        private readonly Socket _listener;
        private readonly Thread _thread;
        private Socket? _socket;
        private long _received;

        internal Receiving(Socket listener)
        {
            _listener = listener;
            _thread = new Thread(Read) { IsBackground = true, Name = "kernel receiver" };
            _thread.Start();
        }

        public long Received => Volatile.Read(ref _received);

        public ValueTask DisposeAsync()
        {
            _listener.Dispose();
            _socket?.Dispose();
            _thread.Join();
            return default;
        }

        private void Read()
        {
            byte[] buffer = new byte[Chunk];
            try
            {
                _socket = _listener.Accept();
                for (int count; (count = _socket.Receive(buffer)) > 0;) Interlocked.Add(ref _received, count);
            }
            catch (Exception end) when (end is SocketException or ObjectDisposedException)
            {
                // The end of the measurement.
            }
        }
    }

    private sealed class Sending : ISendingFlow
    {
        private readonly Socket _socket;
        private readonly Thread _thread;
        private readonly TaskCompletionSource _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal Sending(Socket socket, IPEndPoint destination)
        {
            _socket = socket;
            _thread = new Thread(() => Write(destination)) { IsBackground = true, Name = "kernel sender" };
            _thread.Start();
        }

        public Task Connected => _connected.Task;

        /// <summary>struct tcp_info of linux/tcp.h.</summary>
        public FlowState State
        {
            get
            {
                byte[] info = new byte[232];
                if (_socket.GetRawSocketOption(TcpLevel, 11, info) < 104) return default;
                int Field(int offset) => BinaryPrimitives.ReadInt32LittleEndian(info.AsSpan(offset));
                string phase = info[1] switch { 0 => "Open", 1 => "Disorder", 2 => "CWR", 3 => "Recovery", _ => "Loss" };
                return new FlowState(phase, Field(80), Field(76), Field(24), Field(68) / 1000.0, Field(8) / 1000.0, Field(100), $"sacked {Field(28)} lost {Field(32)} again {Field(36)} reordering {Field(88)}");
            }
        }

        public ValueTask DisposeAsync()
        {
            _socket.Dispose();
            _thread.Join();
            return default;
        }

        private void Write(IPEndPoint destination)
        {
            byte[] buffer = new byte[Chunk];
            try
            {
                _socket.Connect(destination);
                _connected.TrySetResult();
                while (true) _socket.Send(buffer);
            }
            catch (Exception end) when (end is SocketException or ObjectDisposedException)
            {
                _connected.TrySetException(end);
            }
        }
    }
}
