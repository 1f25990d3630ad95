using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel;

/// <summary>A cable within the process: what one end sends the other receives, in order, without loss.</summary>
/// <remarks>
/// Packets are handed over, not copied; super-segments and partial checksums pass as they are, for both ends are stacks of this process.
/// A batch is delivered on the sender's thread; a sender that finds another one delivering leaves its packets to it.
/// </remarks>
public sealed class MemoryLink : ILink
{
    private readonly Lock _lock = new();
    private readonly int _capacity;
    private MemoryLink _peer = null!;
    private ILinkSink? _sink;
    private PacketQueue _arriving;
    private bool _delivering;
    private bool _senderWaits;
    private bool _closed;
    private TaskCompletionSource? _ended;

    private MemoryLink(LinkProperties properties, int capacity) => (Properties, _capacity) = (properties, capacity);

    /// <inheritdoc/>
    public LinkProperties Properties { get; }

    /// <summary>The two ends of a cable.</summary>
    /// <param name="mtu">Longest IP packet in bytes, 68–65,535; super-segments may be longer than it.</param>
    /// <param name="medium">IP or Ethernet.</param>
    /// <param name="offloads">What the ends do for the stacks.</param>
    /// <param name="capacity">Packets that may wait in each direction, at least 1.</param>
    public static (MemoryLink A, MemoryLink B) CreatePair(
        int mtu = 1500, LinkMedium medium = LinkMedium.Ip, LinkOffloads offloads = LinkOffloads.All, int capacity = 256)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(mtu, 68);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(mtu, 65_535);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        LinkProperties properties = new(medium, mtu, offloads, Reliable: true);
        MemoryLink a = new(properties, capacity);
        MemoryLink b = new(properties, capacity);
        (a._peer, b._peer) = (b, a);
        return (a, b);
    }

    /// <inheritdoc/>
    public async Task RunAsync(ILinkSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(sink);
        TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (_closed) return;
            if (_sink is not null) throw new InvalidOperationException("This end of the memory link runs already.");
            _sink = sink;
            _ended = ended;
        }
        DeliverArriving();
        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(static state => ((TaskCompletionSource)state!).TrySetResult(), ended);
        await ended.Task.ConfigureAwait(false);
        lock (_lock)
        {
            _sink = null;
            _ended = null;
        }
    }

    /// <inheritdoc/>
    public int Send(ref PacketQueue queue) => _peer.Accept(ref queue);

    private int Accept(ref PacketQueue queue)
    {
        int taken = 0;
        lock (_lock)
        {
            if (_closed)
            {
                taken = queue.Count;
                queue.ReturnAll();
                return taken;
            }
            while (_arriving.Count < _capacity && queue.Take() is { } packet)
            {
                _arriving.Add(packet);
                taken++;
            }
            if (!queue.IsEmpty) _senderWaits = true;
        }
        DeliverArriving();
        return taken;
    }

    private void DeliverArriving()
    {
        while (true)
        {
            PacketQueue batch;
            ILinkSink sink;
            bool wakeSender;
            lock (_lock)
            {
                if (_delivering || _sink is null || _arriving.IsEmpty) return;
                _delivering = true;
                sink = _sink;
                batch = _arriving;
                _arriving = default;
                wakeSender = _senderWaits;
                _senderWaits = false;
            }
            try
            {
                sink.Deliver(ref batch);
            }
            finally
            {
                lock (_lock) _delivering = false;
            }
            if (wakeSender) _peer.CurrentSink()?.Writable();
        }
    }

    private ILinkSink? CurrentSink()
    {
        lock (_lock) return _sink;
    }

    /// <summary>Pulls the cable out: both ends end.</summary>
    public ValueTask DisposeAsync()
    {
        Close();
        _peer.Close();
        return default;
    }

    private void Close()
    {
        lock (_lock)
        {
            _closed = true;
            _arriving.ReturnAll();
            _ended?.TrySetResult();
        }
    }
}
