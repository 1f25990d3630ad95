using Ginnel.Testing;
using Ginnel.Netstack;

namespace Ginnel.WireGuard.Tests;

/// <summary>What a network does to datagrams, by a seed: loses, doubles, delays and so reorders them, and cannot reach some hosts.</summary>
internal sealed class Weather(SimulatedTime time, int seed)
{
    private readonly Random _random = new(seed);
    private readonly PriorityQueue<(CarrierEndpoint From, CarrierEndpoint To, byte[] Bytes), (Instant Due, long Order)> _underWay = new();
    private long _order;

    /// <summary>Shares of the datagrams.</summary>
    public double Loss { get; set; }
    public double Duplication { get; set; }

    /// <summary>Each takes between nothing and so long.</summary>
    public TimeSpan MaxDelay { get; set; }

    /// <summary>Hosts that nothing comes from and nothing goes to.</summary>
    public HashSet<CarrierEndpoint> Unreachable { get; } = [];

    /// <summary>When the next datagram arrives.</summary>
    public Instant NextArrival => _underWay.TryPeek(out _, out (Instant Due, long Order) key) ? key.Due : Instant.Never;

    public void Calm()
    {
        (Loss, Duplication, MaxDelay) = (0, 0, TimeSpan.FromMilliseconds(20));
        Unreachable.Clear();
    }

    public void Send(CarrierEndpoint from, CarrierEndpoint to, byte[] bytes)
    {
        if (Unreachable.Contains(from) || Unreachable.Contains(to)) return;
        for (int copies = _random.NextDouble() < Duplication ? 2 : 1; copies > 0; copies--)
            if (_random.NextDouble() >= Loss) _underWay.Enqueue((from, to, bytes), (time.Now + MaxDelay * _random.NextDouble(), _order++));
    }

    public bool TryTakeArrived(out (CarrierEndpoint From, CarrierEndpoint To, byte[] Bytes) datagram)
    {
        datagram = default;
        return NextArrival <= time.Now && _underWay.TryDequeue(out datagram, out _);
    }
}
