using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

/// <summary>Stacks on one Ethernet segment in virtual time: each frame reaches all the others after a delay, unless it is lost.</summary>
public sealed class EthernetSegment : IDisposable
{
    private readonly PriorityQueue<(Station From, byte[] Frame), (long, long)> _wire = new();
    private readonly List<Station> _stations = [];
    private long _order;

    /// <summary>A stack with its one interface.</summary>
    public sealed record Station(NetworkStack Stack, InterfaceId Interface, MacAddress Mac, LinkProperties Link);

    public PacketPool Pool { get; } = new();
    public Instant Now { get; private set; } = new(TimeSpan.TicksPerDay);
    public TimeSpan Delay { get; set; } = TimeSpan.FromMilliseconds(1);

    /// <summary>Sees each frame as it is sent; false loses it.</summary>
    public Func<Station, byte[], bool>? Wire { get; set; }

    /// <summary>Adds a station, up; its Ethernet address is 02:00:00:00:00:n with n from 1.</summary>
    public Station Add(Func<InterfaceOptions, InterfaceOptions>? configure = null, int mtu = 1500, Func<StackOptions, StackOptions>? options = null)
    {
        int number = _stations.Count + 1;
        MacAddress mac = new(0x0200_0000_0000UL + (ulong)number);
        LinkProperties link = new(LinkMedium.Ethernet, mtu);
        StackOptions plain = new() { Pool = Pool, Entropy = new SeededEntropy((ulong)number) };
        NetworkStack stack = new(options?.Invoke(plain) ?? plain);
        InterfaceOptions way = new() { Link = link, Mac = mac };
        InterfaceId id = stack.AddInterface(configure?.Invoke(way) ?? way);
        Station station = new(stack, id, mac, link);
        _stations.Add(station);
        stack.SetLink(id, link, up: true, Now);
        return station;
    }

    /// <summary>Puts a frame of nobody's on the wire; it reaches everyone now.</summary>
    public void Inject(byte[] frame)
    {
        foreach (Station station in _stations) Deliver(station, frame);
    }

    /// <summary>Lets time pass until the condition holds, or for the whole span; true if it came to hold.</summary>
    public bool Run(TimeSpan span, Func<bool>? until = null)
    {
        Instant end = Now + span;
        for (int steps = 0; ; steps++)
        {
            Assert.True(steps < 1_000_000, "the segment never comes to rest");
            foreach (Station station in _stations) Collect(station);
            if (until?.Invoke() == true) return true;
            Instant next = _stations.Aggregate(Instant.Never, (least, station) => Instant.Min(least, station.Stack.NextDeadline));
            if (_wire.TryPeek(out _, out (long Ticks, long) at)) next = Instant.Min(next, new Instant(at.Ticks));
            if (next > end) break;
            if (next > Now) Now = next;
            while (_wire.TryPeek(out (Station From, byte[] Frame) one, out (long Ticks, long) due) && due.Ticks <= Now.Ticks)
            {
                _wire.Dequeue();
                foreach (Station station in _stations)
                {
                    if (station != one.From) Deliver(station, one.Frame);
                }
            }
            foreach (Station station in _stations) station.Stack.Advance(Now);
        }
        Now = end;
        return until?.Invoke() == true;
    }

    public void Dispose()
    {
        foreach (Station station in _stations) station.Stack.SetLink(station.Interface, station.Link, up: false, Now);
        Run(TimeSpan.FromMinutes(10));
        Assert.Equal(0, Pool.Rented);
    }

    private void Collect(Station station)
    {
        PacketQueue queue = default;
        station.Stack.Transmit(station.Interface, ref queue, int.MaxValue, Now);
        while (queue.Take() is { } packet)
        {
            byte[] frame = packet.Span.ToArray();
            packet.Return();
            if (Wire?.Invoke(station, frame) != false) _wire.Enqueue((station, frame), ((Now + Delay).Ticks, _order++));
        }
    }

    private void Deliver(Station station, byte[] frame)
    {
        Assert.True(Pool.TryRent(PacketPool.SizeFor(frame.Length), out Packet packet));
        packet.Write(frame);
        PacketQueue batch = default;
        batch.Add(packet);
        station.Stack.Receive(station.Interface, ref batch, Now);
    }
}
