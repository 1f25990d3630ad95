using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel.Testing;

/// <summary>
/// Stacks joined by links in virtual time, on one thread: a discrete-event simulation that its seed repeats exactly. After every step the
/// invariants are checked, and a breach is a <see cref="SimulationException"/> that names the seed.
/// </summary>
public sealed partial class SimulatedNetwork
{
    private const int MaxStepsAtOneTime = 100_000;

    private readonly List<SimulatedHost> _hosts = [];
    private readonly List<SimulatedLink> _links = [];
    private readonly SeededRandom _random;
    private readonly InvariantChecks _checks;
    private readonly Instant _start;
    private readonly int _rentedBefore;
    private int _stepsAtOneTime;

    /// <summary>An empty network.</summary>
    /// <param name="seed">Repeats everything: delays, losses, initial sequence numbers, the start time.</param>
    /// <param name="pool">Where packets come from; null for one of its own. Sharing one saves time over many simulations.</param>
    public SimulatedNetwork(ulong seed, PacketPool? pool = null)
    {
        Seed = seed;
        Pool = pool ?? new PacketPool();
        _random = new SeededRandom(seed);
        _rentedBefore = Pool.Rented;
        // Anywhere within four months, so that clocks of 32 bits wrap in some simulations.
        _start = new Instant(TimeSpan.TicksPerDay + _random.NextTime(TimeSpan.FromDays(120)).Ticks);
        Time = new SimulatedTime(_start);
        _checks = new InvariantChecks(this);
    }

    /// <summary>The seed.</summary>
    public ulong Seed { get; }

    /// <summary>The virtual clock. Timers of a <see cref="TimeProvider"/> fire within <see cref="Step"/>.</summary>
    public SimulatedTime Time { get; }

    /// <summary>Virtual time since the start.</summary>
    public TimeSpan Elapsed => Time.Now - _start;

    /// <summary>Where the hosts' packets come from.</summary>
    public PacketPool Pool { get; }

    /// <summary>The hosts.</summary>
    public IReadOnlyList<SimulatedHost> Hosts => _hosts;

    /// <summary>How often <see cref="Step"/> did something.</summary>
    public long Steps { get; private set; }

    /// <summary>Called with each packet that a host sends, before the link treats it, and with the host's name; for captures and assertions.</summary>
    public Action<string, ReadOnlySpan<byte>>? Tap { get; set; }

    /// <summary>Options that a host of this network may start from: its pool, entropy of its own from the seed.</summary>
    public StackOptions DefaultOptions(TcpOptions? tcp = null) =>
        new() { Pool = Pool, Entropy = new SeededEntropy(_random.NextUInt64()), Tcp = tcp ?? new TcpOptions() };

    /// <summary>Adds a host.</summary>
    /// <param name="name">Name for messages.</param>
    /// <param name="options">How its stack is made; null for <see cref="DefaultOptions"/>.</param>
    public SimulatedHost AddHost(string name, StackOptions? options = null)
    {
        SimulatedHost host = new(this, name, options ?? DefaultOptions());
        _hosts.Add(host);
        return host;
    }

    /// <summary>
    /// Joins two hosts by a link that is up: network number n of the simulation is 10.0.n.0/24 and fd00:n::/64 (where the MTU admits
    /// IPv6), its first host has the addresses .1 and ::1, its second .2 and ::2.
    /// </summary>
    public SimulatedLink Connect(SimulatedHost first, SimulatedHost second, SimulatedLinkOptions forward, SimulatedLinkOptions? backward = null)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        ArgumentNullException.ThrowIfNull(forward);
        backward ??= forward;
        int number = _links.Count + 1;
        LinkEnd left = AddEnd(first, number, 1, forward);
        LinkEnd right = AddEnd(second, number, 2, backward);
        (left.Peer, right.Peer) = (right, left);
        SimulatedLink link = new(left, right);
        left.Link = right.Link = link;
        _links.Add(link);
        return link;
    }

    private LinkEnd AddEnd(SimulatedHost host, int network, int station, SimulatedLinkOptions options)
    {
        LinkProperties properties = options.Properties;
        InterfaceId id = host.Stack.AddInterface(new InterfaceOptions
        {
            Name = $"net{network}", Link = properties, Mac = new MacAddress(0x0200_0000_0000UL + (ulong)(network * 256 + station)),
            // Stations are numbered here: no two have one address, and a test need not wait for that to be found out.
            DuplicateAddressDetection = DuplicateAddressDetection.Off,
        });
        AddAddress(host, id, IpAddress.FromV4((uint)(10 << 24 | network << 8 | station)), 24);
        if (options.Mtu >= IpV6Header.MinimumMtu)
            AddAddress(host, id, IpAddress.FromV6(0xFD00_0000_0000_0000 | (ulong)network << 32, (ulong)station), 64);
        host.Stack.SetLink(id, properties, up: true, Time.Now);
        LinkEnd end = new(host, id, new LinkDirection(options, Pool, _random.Fork()));
        host.Ends.Add(end);
        return end;
    }

    private void AddAddress(SimulatedHost host, InterfaceId id, IpAddress address, int prefixLength)
    {
        OpStatus status = host.Stack.AddAddress(id, address, prefixLength, Time.Now);
        if (status != OpStatus.Ok) throw Failure($"{host.Name} refused the address {address}: {status}");
        host.AddressList.Add(address);
    }

    /// <summary>An exception with the seed and the time, for an application that sees something wrong.</summary>
    public SimulationException Failure(string what) => new(what, Seed, Elapsed);
}
