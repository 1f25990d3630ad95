using Ginnel.Testing;
using Ginnel.Wire;

namespace Ginnel.Netstack.Tests.Simulation;

/// <summary>
/// One seed's transfer: a link with its faults, two stacks with their options, what both ends send, how fast, and how they go away, all
/// drawn from the seed.
/// </summary>
sealed record TransferScenario
{
    const ushort Port = 4242;
    static readonly TimeSpan Limit = TimeSpan.FromHours(6);

    /// <summary>
    /// Longer than any streak of losses at 10 %, so that giving up is always a bug. TIME-WAIT lasts as long: where it ends before the last
    /// acknowledgment has come through, the other end's FIN is answered with a reset, and rightly.
    /// </summary>
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(30);

    public required ulong Seed { get; init; }
    public required bool V4 { get; init; }
    public required SimulatedLinkOptions Forward { get; init; }
    public required SimulatedLinkOptions Backward { get; init; }
    public required TcpOptions ClientTcp { get; init; }
    public required TcpOptions ServerTcp { get; init; }
    public required TransferPlan Client { get; init; }
    public required TransferPlan Server { get; init; }

    /// <summary>How many connections do so at the same time.</summary>
    public required int Connections { get; init; }

    /// <summary>Bytes that all buffers of each stack may hold.</summary>
    public required long MemoryLimit { get; init; }

    /// <summary>When the link goes down for a while; none when empty.</summary>
    public required TimeSpan Outage { get; init; }

    public static TransferScenario From(ulong seed)
    {
        SeededRandom random = new(seed);
        bool v4 = random.Chance(0.5);
        SimulatedLinkOptions link = Link(random, v4);
        int most = random.Pick(2_000, 60_000, 60_000, 400_000);
        (TransferPlan client, TransferPlan server) = Plans(random, seed, most);
        // Drawn apart, so that the seeds of before mean what they meant.
        SeededRandom marks = new(seed ^ 0xEC4);
        return new TransferScenario
        {
            Seed = seed, V4 = v4, Forward = Marking(marks, Faulty(random, link)), Backward = Marking(marks, Faulty(random, link)),
            ClientTcp = Tcp(random, marks, client.MayFail), ServerTcp = Tcp(random, marks, client.MayFail), Client = client, Server = server,
            Connections = random.Chance(0.2) ? random.Next(2, 6) : 1,
            MemoryLimit = random.Chance(0.2) ? random.NextLogarithmic(64 << 10, 1 << 20) : 256 << 20,
            Outage = random.Chance(0.1) ? TimeSpan.FromMilliseconds(random.NextLogarithmic(1, 20_000)) : TimeSpan.Zero,
        };
    }

    /// <summary>Runs it; what is wrong is a <see cref="SimulationException"/>.</summary>
    public SimulatedNetwork Run(PacketPool pool, Action<SimulatedNetwork, string, ReadOnlySpan<byte>>? tap = null)
    {
        SimulatedNetwork network = new(Seed, pool);
        if (tap is not null) network.Tap = (host, bytes) => tap(network, host, bytes);
        SimulatedHost client = AddHost(network, "client", ClientTcp), server = AddHost(network, "server", ServerTcp);
        SimulatedLink link = network.Connect(client, server, Forward, Backward);
        TransferListener listener = new(network, new IpEndpoint(V4 ? IpAddress.AnyV4 : IpAddress.AnyV6, Port), _ => Server);
        server.Run(listener);
        List<TransferEnd> ends = [];
        for (int i = 0; i < Connections; i++)
        {
            ends.Add(TransferEnd.Connecting(network, Client, new IpEndpoint(server.Address(V4), Port)));
            client.Run(ends[i]);
        }
        if (Outage > TimeSpan.Zero) Interrupt(network, link);
        network.RunToEnd(Limit);
        listener.Stop();
        network.Finish(Limit);
        if (!Client.MayFail) Expect(network, ends, listener.Accepted);
        return network;
    }

    SimulatedHost AddHost(SimulatedNetwork network, string name, TcpOptions tcp)
    {
        SimulatedHost host = network.AddHost(name, network.DefaultOptions(tcp));
        host.Stack.MemoryLimit = MemoryLimit;
        return host;
    }

    void Interrupt(SimulatedNetwork network, SimulatedLink link)
    {
        network.RunFor(Outage / 2);
        link.SetUp(false);
        network.RunFor(Outage);
        link.SetUp(true);
    }

    void Expect(SimulatedNetwork network, IReadOnlyList<TransferEnd> clients, IReadOnlyList<TransferEnd> servers)
    {
        Assert.Equal(Connections, servers.Count);
        foreach (TransferEnd end in clients)
        {
            if (end.Received != Server.SendBytes) throw network.Failure($"{end}: not everything arrived");
        }
        foreach (TransferEnd end in servers)
        {
            if (end.Received != Client.SendBytes) throw network.Failure($"{end}: not everything arrived");
        }
    }

    static SimulatedLinkOptions Link(SeededRandom random, bool v4)
    {
        int mtu = random.Next(0, 5) switch
        {
            0 => random.Next(v4 ? 576 : 1280, 1500),
            1 => random.Next(1500, 9000),
            2 => random.Next(9000, 65520),
            3 => v4 ? 576 : 1280,
            _ => 1500,
        };
        LinkOffloads offloads = random.Next(0, 3) switch
        {
            0 => LinkOffloads.All,
            1 => LinkOffloads.PartialChecksum,
            _ => LinkOffloads.None,
        };
        bool wire = random.Chance(0.5);
        return new SimulatedLinkOptions
        {
            Medium = random.Chance(0.3) ? LinkMedium.Ethernet : LinkMedium.Ip,
            Mtu = mtu, Offloads = offloads, SplitOnWire = wire, CoalesceOnArrival = wire && random.Chance(0.5),
            Delay = TimeSpan.FromMicroseconds(random.NextLogarithmic(10, 150_000)),
            BitsPerSecond = random.Chance(0.5) ? 0 : random.NextLogarithmic(200_000, 1_000_000_000),
            QueueBytes = 2 * mtu + random.NextLogarithmic(1_000, 300_000),
            BackPressure = random.Chance(0.5),
            SparesResolution = true,
        };
    }

    static SimulatedLinkOptions Faulty(SeededRandom random, SimulatedLinkOptions link)
    {
        double severity = random.Chance(0.2) ? 0 : 1;
        return link with
        {
            Jitter = severity * random.NextTime(link.Delay),
            Loss = severity * (random.Chance(0.5) ? random.NextDouble() * 0.1 : 0),
            BurstLoss = severity * (random.Chance(0.2) ? random.NextDouble() * 0.02 : 0),
            BurstLength = 1 + random.NextDouble() * 4,
            Reordering = severity * (random.Chance(0.4) ? random.NextDouble() * 0.3 : 0),
            ReorderDelay = random.NextTime(link.Delay * 2),
            Duplication = severity * (random.Chance(0.4) ? random.NextDouble() * 0.1 : 0),
            Corruption = severity * (random.Chance(0.4) ? random.NextDouble() * 0.05 : 0),
        };
    }

    static SimulatedLinkOptions Marking(SeededRandom marks, SimulatedLinkOptions link) => link with
    {
        Marking = marks.Chance(0.3) ? marks.NextDouble() * 0.1 : 0,
        MarkAboveBytes = marks.Chance(0.3) ? link.QueueBytes / 2 : 0,
    };

    // A reset may be lost, and an end that only reads would then wait for ever: what aborts needs keepalive (RFC 9293 section 3.5.1).
    static TcpOptions Tcp(SeededRandom random, SeededRandom marks, bool aborts) => new()
    {
        Ecn = marks.Pick(EcnMode.Active, EcnMode.Active, EcnMode.Passive, EcnMode.Off),
        SendBuffer = 1 << random.Next(12, 20),
        ReceiveBuffer = 1 << random.Next(12, 20),
        CongestionControl = random.Pick(CongestionControlKind.Cubic, CongestionControlKind.NewReno),
        Nagle = random.Chance(0.3),
        Timestamps = random.Chance(0.7),
        Sack = random.Chance(0.7),
        WindowScaling = random.Chance(0.7),
        KeepAliveTime = aborts || random.Chance(0.2) ? TimeSpan.FromSeconds(random.Next(1, 100)) : TimeSpan.Zero,
        KeepAliveProbes = 20,
        GiveUpAfter = Patience,
        ConnectTimeout = Patience,
        FinWait2 = Patience,
        TimeWait = Patience,
    };

    static (TransferPlan Client, TransferPlan Server) Plans(SeededRandom random, ulong seed, int most)
    {
        StreamPattern up = new(seed * 2), down = new(seed * 2 + 1);
        int upBytes = Amount(random, most), downBytes = Amount(random, most);
        bool aborts = random.Chance(0.15);
        TransferEnding clientEnding = Ending(random, aborts && random.Chance(0.6)), serverEnding = Ending(random, aborts && random.Chance(0.6));
        // Two ends that wait for each other would wait for ever, and rightly.
        if (clientEnding == TransferEnding.AfterPeer && serverEnding == TransferEnding.AfterPeer) clientEnding = TransferEnding.Graceful;
        bool mayFail = clientEnding == TransferEnding.Abort || serverEnding == TransferEnding.Abort;
        TransferPlan client = new()
        {
            SendBytes = upBytes, SendPattern = up, ReceiveBytes = downBytes, ReceivePattern = down, Ending = clientEnding, MayFail = mayFail,
            Writing = Pace(random, upBytes), Reading = Pace(random, downBytes), AbortAfter = AbortTime(random),
        };
        TransferPlan server = new()
        {
            SendBytes = downBytes, SendPattern = down, ReceiveBytes = upBytes, ReceivePattern = up, Ending = serverEnding, MayFail = mayFail,
            Writing = Pace(random, downBytes), Reading = Pace(random, upBytes), AbortAfter = AbortTime(random),
        };
        return (client, server);
    }

    static int Amount(SeededRandom random, int most) => random.Chance(0.15) ? 0 : random.NextLogarithmic(1, most);

    static TransferEnding Ending(SeededRandom random, bool aborts) =>
        aborts ? TransferEnding.Abort : random.Pick(TransferEnding.Graceful, TransferEnding.AfterPeer, TransferEnding.ReleaseEarly);

    static TimeSpan AbortTime(SeededRandom random) => TimeSpan.FromMicroseconds(random.NextLogarithmic(1, 3_000_000));

    // At most some sixty chunks, so that a slow reader costs time but not steps.
    static TransferPace Pace(SeededRandom random, int bytes) => random.Chance(0.5)
        ? TransferPace.Unlimited
        : new TransferPace(Math.Max(1, bytes / random.NextLogarithmic(1, 60)), TimeSpan.FromMicroseconds(random.NextLogarithmic(1, 400_000)));
}
