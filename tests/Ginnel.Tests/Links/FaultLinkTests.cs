using System.Security.Cryptography;
using Ginnel.Netstack;
using Ginnel.Testing;
using Ginnel.Wire;

namespace Ginnel.Tests;

public sealed class FaultLinkTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_transfer_survives_every_fault_at_once(int seed)
    {
        await using TestNetwork network = new(offloads: LinkOffloads.None, runtime: null);
        await network.Client.DetachAsync(network.ClientInterface);
        await network.ServerLink.Completion;
        (MemoryLink a, MemoryLink b) = MemoryLink.CreatePair(offloads: LinkOffloads.None);
        FaultLink bad = new(a, new FaultLinkOptions
        {
            Seed = seed, Loss = 0.03, Duplication = 0.03, Corruption = 0.02, Reordering = 0.05, Delay = TimeSpan.FromMilliseconds(10),
            Jitter = TimeSpan.FromMilliseconds(3), BytesPerSecond = 10_000_000, Time = network.Time,
        });
        network.Client.Attach(network.ClientInterface, bad);
        network.Server.Attach(network.ServerInterface, b);
        Task<(TcpStream Client, TcpStream Server)> connecting = network.ConnectAsync();
        await PassAsync(network.Time, connecting);
        (TcpStream client, TcpStream server) = await connecting;
        byte[] sent = RandomNumberGenerator.GetBytes(300_000);
        Task writing = Task.Run(async () =>
        {
            await client.WriteAsync(sent, Token);
            await client.CompleteWritesAsync(Token);
        }, Token);
        using MemoryStream received = new();
        Task reading = server.CopyToAsync(received, Token);
        await PassAsync(network.Time, Task.WhenAll(writing, reading));
        Assert.True(sent.AsSpan().SequenceEqual(received.ToArray()));
        Assert.True(bad.Lost.Outgoing > 0);
    }

    [Fact]
    public void The_same_seed_has_the_same_faults()
    {
        Assert.Equal(Run(5), Run(5));
        Assert.NotEqual(Run(5), Run(6));
    }

    [Fact]
    public void Delay_and_rate_are_the_clocks()
    {
        SimulatedTime time = new();
        List<int> arrived = [];
        using FaultDirection direction = Direction(new FaultLinkOptions { Delay = TimeSpan.FromMilliseconds(50), BytesPerSecond = 1000, Time = time }, arrived);
        PacketPool pool = new();
        Add(direction, pool, 100);
        Add(direction, pool, 100);
        time.Advance(TimeSpan.FromMilliseconds(149));
        Assert.Empty(arrived);
        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Single(arrived);
        time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.Equal(2, arrived.Count);
        Assert.Equal(0, pool.Rented);
    }

    private static string Run(int seed)
    {
        SimulatedTime time = new();
        List<int> arrived = [];
        using FaultDirection direction = Direction(new FaultLinkOptions
        {
            Seed = seed, Loss = 0.2, Duplication = 0.2, Reordering = 0.2, Corruption = 0.1, Time = time,
        }, arrived);
        PacketPool pool = new();
        for (int i = 0; i < 100; i++) Add(direction, pool, 50 + i);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(0, pool.Rented);
        return string.Join(' ', arrived);
    }

    /// <summary>A congested router marks what may be marked and drops the rest (RFC 3168 section 5).</summary>
    [Fact]
    public void What_meets_congestion_is_marked_or_lost()
    {
        List<int> arrived = [];
        using FaultDirection direction = Direction(new FaultLinkOptions { Marking = 1, Time = new SimulatedTime() }, arrived);
        PacketPool pool = new();
        foreach (EcnCodepoint ecn in new[] { EcnCodepoint.NotEct, EcnCodepoint.Ect0, EcnCodepoint.Ect1, EcnCodepoint.CongestionExperienced })
        {
            Assert.True(pool.TryRent(PacketSize.Small, out Packet packet));
            Span<byte> bytes = packet.Append(40 + (int)ecn);
            bytes.Clear();
            bytes[0] = 0x45;
            EcnField.Write(bytes, ecn);
            PacketQueue batch = default;
            batch.Add(packet);
            direction.Add(ref batch, (PacketSize _, out Packet copy) =>
            {
                copy = null!;
                return false;
            });
        }
        Assert.Equal([41, 42, 43], arrived.Order());
        Assert.Equal((1, 3), (direction.Lost, direction.Marked));
        Assert.Equal(0, pool.Rented);
    }

    private static FaultDirection Direction(FaultLinkOptions options, List<int> arrived) => new(options, options.Seed, ipOffset: 0, (ref PacketQueue batch) =>
    {
        while (batch.Take() is { } packet)
        {
            arrived.Add(packet.Length);
            packet.Return();
        }
    });

    private static void Add(FaultDirection direction, PacketPool pool, int length)
    {
        Assert.True(pool.TryRent(PacketSize.Small, out Packet packet));
        packet.Append(length).Clear();
        PacketQueue queue = default;
        queue.Add(packet);
        direction.Add(ref queue, pool.TryRent);
    }

    // Continuations run on real threads: time goes on in small steps until they are through, at most some virtual minutes.
    private static async Task PassAsync(SimulatedTime time, Task task)
    {
        for (int step = 0; !task.IsCompleted; step++)
        {
            Assert.True(step < 1_000_000, "The transfer does not end.");
            time.Advance(TimeSpan.FromMilliseconds(1));
            await Task.Yield();
        }
        await task;
    }
}
