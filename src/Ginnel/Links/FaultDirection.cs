using Ginnel.Wire;

namespace Ginnel;

/// <summary>One direction of a <see cref="FaultLink"/>: packets in, and after loss, delay and the rest, packets out.</summary>
internal sealed class FaultDirection : IDisposable
{
    internal delegate void Forward(ref PacketQueue batch);

    internal delegate bool Rent(PacketSize size, out Packet packet);

    private readonly FaultLinkOptions _options;
    private readonly Forward _forward;
    private readonly int _ipOffset;
    private readonly Random _random;
    private readonly Lock _lock = new();
    private readonly PriorityQueue<Packet, (long Due, long Order)> _held = new();
    private readonly ITimer _timer;
    private long _order;
    private long _lastDue;
    private long _lineFree;
    private bool _forwarding;
    private bool _disposed;

    internal FaultDirection(FaultLinkOptions options, int seed, int ipOffset, Forward forward)
    {
        _ipOffset = ipOffset;
        _options = options;
        _forward = forward;
        // A repeatable generator is the point here; nothing depends on its being unpredictable.
#pragma warning disable CA5394
        _random = new Random(seed);
#pragma warning restore CA5394
        _timer = options.Time.CreateTimer(static state => ((FaultDirection)state!).Run(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    internal long Lost { get; private set; }

    internal long Marked { get; private set; }

    /// <summary>Takes all packets; some may leave at once, on this thread.</summary>
    internal void Add(ref PacketQueue batch, Rent rent)
    {
        lock (_lock)
        {
            while (batch.Take() is { } packet) Schedule(packet, rent);
        }
        Run();
    }

    private void Schedule(Packet packet, Rent rent)
    {
        if (_disposed || _held.Count >= _options.MaxQueued || Happens(_options.Loss) || (Happens(_options.Marking) && !TryMark(packet)))
        {
            Lost++;
            packet.Return();
            return;
        }
        if (Happens(_options.Corruption) && packet.Length > 0 && packet.Checksum == ChecksumState.Unverified)
        {
            int bit = _random.Next(packet.Length * 8);
            packet.Span[bit / 8] ^= (byte)(1 << (bit % 8));
        }
        if (Happens(_options.Duplication) && rent(packet.Size, out Packet copy))
        {
            copy.Write(packet.Span);
            (copy.Segmentation, copy.Checksum) = (packet.Segmentation, packet.Checksum);
            Hold(copy);
        }
        Hold(packet);
    }

    private bool TryMark(Packet packet)
    {
        if (packet.Length <= _ipOffset || !EcnField.TryMark(packet.Span[_ipOffset..])) return false;
        Marked++;
        return true;
    }

    private void Hold(Packet packet)
    {
        long now = Now();
        long due = now + _options.Delay.Ticks + (_options.Jitter > TimeSpan.Zero ? _random.NextInt64(_options.Jitter.Ticks) : 0);
        if (_options.BytesPerSecond > 0)
        {
            _lineFree = Math.Max(_lineFree, now) + packet.Length * TimeSpan.TicksPerSecond / _options.BytesPerSecond;
            due += _lineFree - now;
        }
        // Only reordering reorders: jitter alone must not let a packet overtake the one before.
        due = _lastDue = Math.Max(due, _lastDue);
        if (Happens(_options.Reordering)) due += _options.ReorderDelay.Ticks;
        _held.Enqueue(packet, (due, _order++));
    }

    private void Run()
    {
        while (true)
        {
            PacketQueue batch = default;
            lock (_lock)
            {
                if (_forwarding) return;
                long now = Now();
                while (_held.TryPeek(out _, out (long Due, long Order) first) && first.Due <= now) batch.Add(_held.Dequeue());
                if (batch.IsEmpty)
                {
                    if (_held.TryPeek(out _, out (long Due, long Order) next)) Arm(next.Due - now);
                    return;
                }
                _forwarding = true;
            }
            _forward(ref batch);
            lock (_lock) _forwarding = false;
        }
    }

    private void Arm(long ticks)
    {
        // Rounded up to the timers' grain, or it would fire before the packet is due.
        long milliseconds = (ticks + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond;
        if (!_disposed) _timer.Change(TimeSpan.FromMilliseconds(milliseconds), Timeout.InfiniteTimeSpan);
    }

    private long Now() => _options.Time.GetElapsedTime(0).Ticks;

    private bool Happens(double share) => share > 0 && _random.NextDouble() < share;

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            while (_held.TryDequeue(out Packet? packet, out _)) packet.Return();
        }
        _timer.Dispose();
    }
}
