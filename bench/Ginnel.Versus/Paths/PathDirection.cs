using System.Diagnostics;
using Ginnel.Linux.Events;
using Ginnel.Netstack;
using Ginnel.Testing;
using Ginnel.Wire;

namespace Ginnel.Versus.Paths;

/// <summary>Who is at an end of a path.</summary>
internal interface IPathEnd
{
    /// <summary>Takes packets that have arrived; called on the path's loop.</summary>
    void Deliver(ref PacketQueue batch);
}

/// <summary>
/// One direction of the emulated path, in real time: the simulation's queue, serialiser and dice, told the machine's time, and a timer of the
/// loop for the next arrival. Several ends may share it; the last octet of the IPv4 destination says whose a packet is.
/// </summary>
internal sealed class PathDirection : IDisposable
{
    private const int LastOctetOfDestination = 19;

    private readonly Lock _lock = new();
    private readonly LinkDirection _line;
    private readonly LoopTimer _timer;
    private readonly Dictionary<byte, IPathEnd> _ends = [];
    private Instant _armedFor = Instant.Never;

    internal PathDirection(SimulatedLinkOptions options, PacketPool pool, ulong seed, EventLoop loop)
    {
        _line = new LinkDirection(options, pool, new SeededRandom(seed));
        _timer = loop.CreateTimer(OnArrival);
    }

    internal LinkCounters Counters => _line.Counters;

    internal static Instant Now => new(Stopwatch.GetElapsedTime(0).Ticks);

    internal void Attach(byte lastOctet, IPathEnd end) => _ends[lastOctet] = end;

    /// <summary>Takes all of the batch, from any thread.</summary>
    internal void Enter(ref PacketQueue batch)
    {
        lock (_lock)
        {
            Instant now = Now;
            while (batch.Take() is { } packet)
            {
                // Nothing of a wire's far end is to be believed unseen.
                packet.Checksum = ChecksumState.Unverified;
                _line.Enter(packet, now);
            }
            Arm(now);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _timer.Dispose();
        lock (_lock) _line.Sever();
    }

    private void OnArrival()
    {
        PacketQueue arrived = default;
        lock (_lock)
        {
            _armedFor = Instant.Never;
            _line.TakeArrived(Now, ref arrived);
        }
        while (arrived.Peek() is { } first)
        {
            byte whose = first.Span[LastOctetOfDestination];
            PacketQueue batch = default;
            while (arrived.Peek() is { } next && next.Span[LastOctetOfDestination] == whose) batch.Add(arrived.Take()!);
            if (_ends.TryGetValue(whose, out IPathEnd? end)) end.Deliver(ref batch);
            else batch.ReturnAll();
        }
        lock (_lock) Arm(Now);
    }

    private void Arm(Instant now)
    {
        Instant next = _line.NextArrival;
        if (next >= _armedFor) return;
        _armedFor = next;
        TimeSpan left = next - now;
        _timer.Change(left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }
}
