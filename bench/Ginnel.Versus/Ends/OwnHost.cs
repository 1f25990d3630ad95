using System.Net;
using Ginnel.Netstack;
using Ginnel.Versus.Paths;
using Ginnel.Wire;

namespace Ginnel.Versus.Ends;

/// <summary>A host of ours through its public API, on a link without offload whose other end is the path.</summary>
internal sealed class OwnHost : IVersusHost, IPathEnd
{
    /// <summary>Most octets of a connection's buffers, here and in the kernel.</summary>
    internal const int Buffer = 4 << 20;

    internal static readonly TcpOptions Settings = new() { CongestionControl = CongestionControlKind.Cubic, SendBuffer = Buffer, ReceiveBuffer = Buffer, Ecn = EcnMode.Off };

    private const int Chunk = 64 << 10;
    private readonly PathLink _link;
    private readonly NetworkHost _host;

    internal OwnHost(byte lastOctet, PathDirection way, NetworkRuntime runtime)
    {
        Address = new IPAddress([10, 77, 0, lastOctet]);
        _link = new PathLink(way);
        _host = new NetworkHost(new NetworkHostOptions { Name = $"own {lastOctet}", Runtime = runtime, Tcp = Settings });
        HostInterface way0 = _host.AddInterface(new HostInterfaceOptions { Addresses = [InterfaceAddress.Parse($"{Address}/24")], IpV6 = false });
        _host.Attach(way0, _link);
    }

    public IPAddress Address { get; }

    public IReceivingFlow Receive(int port) => new Receiving(_host.Listen(new IPEndPoint(Address, port)));

    public ISendingFlow Send(IPEndPoint destination) => new Sending(_host, destination);

    public void Deliver(ref PacketQueue batch) => _link.Deliver(ref batch);

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    /// <summary>The host's cable into the path.</summary>
    private sealed class PathLink(PathDirection way) : ILink
    {
        private volatile ILinkSink? _sink;

        public LinkProperties Properties { get; } = new(LinkMedium.Ip, KernelHost.Mtu, LinkOffloads.None);

        public async Task RunAsync(ILinkSink sink, CancellationToken cancellationToken)
        {
            _sink = sink;
            await Task.Delay(Timeout.Infinite, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _sink = null;
        }

        public int Send(ref PacketQueue queue)
        {
            int count = queue.Count;
            way.Enter(ref queue);
            return count;
        }

        internal void Deliver(ref PacketQueue batch)
        {
            if (_sink is { } sink) sink.Deliver(ref batch);
            else batch.ReturnAll();
        }

        public ValueTask DisposeAsync() => default;
    }

    private sealed class Receiving : IReceivingFlow
    {
        private readonly StackListener _listener;
        private readonly Task _reading;
        private TcpStream? _stream;
        private long _received;

        internal Receiving(StackListener listener)
        {
            _listener = listener;
            _reading = ReadAsync();
        }

        public long Received => Volatile.Read(ref _received);

        public async ValueTask DisposeAsync()
        {
            await _listener.DisposeAsync();
            _stream?.Abort();
            await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        private async Task ReadAsync()
        {
            byte[] buffer = new byte[Chunk];
            _stream = await _listener.AcceptStreamAsync().ConfigureAwait(false);
            if (_stream is null) return;
            for (int count; (count = await _stream.ReadAsync(buffer).ConfigureAwait(false)) > 0;) Interlocked.Add(ref _received, count);
        }
    }

    private sealed class Sending : ISendingFlow
    {
        private readonly TaskCompletionSource _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _writing;
        private TcpStream? _stream;

        internal Sending(NetworkHost host, IPEndPoint destination) => _writing = WriteAsync(host, destination);

        public Task Connected => _connected.Task;

        public FlowState State
        {
            get
            {
                if (_stream?.Info is not { SendMss: > 0 } info) return default;
                int size = info.SendMss - (info.Timestamps ? 12 : 0);
                return new FlowState(info.Loss.ToString(), info.CongestionWindow / size, info.SlowStartThreshold / size, info.BytesInFlight / size,
                    info.SmoothedRoundTrip.TotalMilliseconds, info.RetransmitTimeout.TotalMilliseconds, info.Retransmissions, $"sacked {info.BytesSacked / size} lost {info.BytesLost / size} again {info.BytesSentAgain / size} mss {info.SendMss}");
            }
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            _stream?.Abort();
            await _writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _stop.Dispose();
        }

        private async Task WriteAsync(NetworkHost host, IPEndPoint destination)
        {
            try
            {
                _stream = await host.ConnectAsync(destination, _stop.Token).ConfigureAwait(false);
                _connected.TrySetResult();
                byte[] buffer = new byte[Chunk];
                while (true) await _stream.WriteAsync(buffer, _stop.Token).ConfigureAwait(false);
            }
            catch (Exception end)
            {
                _connected.TrySetException(end);
                throw;
            }
        }
    }
}
