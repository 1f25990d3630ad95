using Ginnel.Netstack;
using Ginnel.Testing;
using Ginnel.Wire;

namespace Ginnel.PacketScripts.Running;

/// <summary>A stack with one interface in virtual time, and what it has sent.</summary>
internal sealed class StackUnderTest
{
    private readonly PacketPool _pool = new(32 << 20);
    private readonly InterfaceId _interface;
    private readonly Queue<SeenPacket> _seen = [];

    internal StackUnderTest(Profile profile)
    {
        Stack = new NetworkStack(new StackOptions { Pool = _pool, Entropy = new SeededEntropy(1), Tcp = profile.Tuning.Build() });
        CongestionName = profile.Tuning.Congestion == CongestionControlKind.NewReno ? "reno" : "cubic";
        var link = new LinkProperties(LinkMedium.Ip, profile.Mtu);
        _interface = Stack.AddInterface(new InterfaceOptions { Name = "tun0", Link = link });
        Stack.SetLink(_interface, link, up: true, Now);
        Stack.AddAddress(_interface, profile.Local, profile.IsV6 ? 64 : 24, Now);
        Stack.AddRoute(new Route(new IpPrefix(profile.IsV6 ? IpAddress.AnyV6 : IpAddress.AnyV4, 0), _interface, profile.Gateway));
    }

    internal NetworkStack Stack { get; }

    /// <summary>The congestion control's name.</summary>
    internal string CongestionName { get; }

    /// <summary>What the stack tells the owners of sockets.</summary>
    internal event Action<SocketEvent>? EventTaken;

    /// <summary>Since the script began.</summary>
    internal TimeSpan Elapsed { get; private set; }

    // Some days in: a clock that starts at zero would hide errors.
    internal Instant Now => new Instant(TimeSpan.TicksPerDay * 3) + Elapsed;

    internal int SeenCount => _seen.Count;

    internal bool TryTakeSeen(out SeenPacket packet) => _seen.TryDequeue(out packet!);

    internal bool TryPeekSeen(out SeenPacket packet) => _seen.TryPeek(out packet!);

    /// <summary>A packet from the peer.</summary>
    internal void Inject(byte[] bytes)
    {
        if (!_pool.TryRent(PacketPool.SizeFor(bytes.Length), out Packet packet)) throw new InvalidOperationException("no packet to be had");
        packet.Write(bytes);
        PacketQueue batch = default;
        batch.Add(packet);
        Stack.Receive(_interface, ref batch, Now);
        Collect();
    }

    /// <summary>Lets the next deadline pass if it is not after the limit; otherwise goes to the limit and says false.</summary>
    internal bool Step(TimeSpan limit)
    {
        Collect();
        Instant deadline = Stack.NextDeadline;
        Instant end = Now + (limit - Elapsed);
        if (deadline > end)
        {
            if (limit > Elapsed) Elapsed = limit;
            return false;
        }
        if (deadline > Now) Elapsed += deadline - Now;
        Stack.Advance(Now);
        Collect();
        return true;
    }

    /// <summary>Takes what the stack has to send.</summary>
    internal void Collect()
    {
        PacketQueue queue = default;
        Stack.Transmit(_interface, ref queue, 256, Now);
        while (queue.Take() is { } packet)
        {
            _seen.Enqueue(new SeenPacket(Elapsed, packet.Span.ToArray()));
            packet.Return();
        }
        while (Stack.TryTakeEvent(out SocketEvent taken)) EventTaken?.Invoke(taken);
    }
}
