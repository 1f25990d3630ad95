using System.Security.Cryptography;
using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

/// <summary>The fast path is a shorter way to the same place: with it and without it, everything that can be seen is the same.</summary>
public sealed class FastPathTests
{
    private const int Steps = 250;

    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 32).Select(static seed => (ulong)seed)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void It_says_and_does_what_the_general_way_does(ulong seed)
    {
        (List<string> fast, long predicted) = Talk(seed, generalWayOnly: false);
        (List<string> general, long none) = Talk(seed, generalWayOnly: true);
        Assert.Equal(0, none);
        Assert.True(predicted > Steps / 3, $"only {predicted} segments were predicted");
        for (int i = 0; i < Math.Min(fast.Count, general.Count); i++)
            Assert.True(fast[i] == general[i], $"seed {seed}, line {i}\nfast    {fast[i]}\ngeneral {general[i]}");
        Assert.Equal(general.Count, fast.Count);
    }

    [Fact]
    public void A_quiet_transfer_is_predicted_but_for_its_ends()
    {
        using TcpPair pair = new();
        (SocketId client, SocketId server) = pair.Establish();
        pair.Transfer(pair.Client, client, pair.Server, server, Build.Bytes(1_000_000, 1), TimeSpan.FromMinutes(1));
        StackCounters sender = pair.Client.Counters, receiver = pair.Server.Counters;
        // All but the handshake, the FIN, and acknowledgments that only open the window.
        long data = receiver.PacketsReceived, acknowledgments = sender.PacketsReceived;
        Assert.True(receiver.SegmentsPredicted > data * 95 / 100, $"{receiver.SegmentsPredicted} of {data} data segments");
        Assert.True(sender.SegmentsPredicted > acknowledgments / 2, $"{sender.SegmentsPredicted} of {acknowledgments} acknowledgments");
    }

    // Everything that the two stacks say and tell, line by line. What happens is decided by the seed, and by what the stacks answer.
    private static (List<string> Lines, long Predicted) Talk(ulong seed, bool generalWayOnly)
    {
        TcpOptions options = new()
        {
            Timestamps = seed % 4 != 0, Sack = seed % 5 != 0, Nagle = seed % 3 == 0, QuickAcks = seed % 7 == 0 ? 16 : 0,
            SendBuffer = seed % 2 == 0 ? 1 << 16 : 1 << 20, ReceiveBuffer = seed % 6 == 0 ? 1 << 15 : 1 << 20,
            GeneralWayOnly = generalWayOnly, Ecn = seed % 3 == 2 ? EcnMode.Passive : EcnMode.Active,
        };
        LinkOffloads offloads = seed % 8 is 1 or 5 ? LinkOffloads.All : LinkOffloads.None;
        using TcpPair pair = new(options, options, seed % 9 == 0 ? 9_000 : 1_500, offloads, seed);
        SeededEntropy dice = new(seed * 31);
        List<string> lines = [];
        (SocketId client, SocketId server) = pair.Establish(to: seed % 3 == 1 ? TcpPair.ServerV6 : TcpPair.ServerV4);
        uint bad = (uint)(seed % 4) * 15;
        pair.Wire = (toServer, packet) =>
        {
            lines.Add($"{pair.Now.Ticks} {toServer} {packet.Length} {packet.Checksum} {packet.Segmentation} {Digest(packet.Span)}");
            bool corrupt = dice.Next(1_000) < bad && packet.Checksum == ChecksumState.Unverified;
            if (corrupt) packet.Span[(int)dice.Next((uint)packet.Length)] ^= 1;
            if (dice.Next(1_000) < bad) EcnField.TryMark(packet.Span);
            TimeSpan late = dice.Next(1_000) < bad ? TimeSpan.FromMilliseconds(dice.Next(20)) : default;
            return new Fate(dice.Next(1_000) < bad, late, dice.Next(1_000) < bad);
        };
        for (int step = 0; step < Steps; step++)
        {
            Act(pair, pair.Client, client, dice, lines);
            Act(pair, pair.Server, server, dice, lines);
            if (step == Steps - 50) lines.Add($"{pair.Client.CloseWrite(client, pair.Now)}");
            pair.Run(TimeSpan.FromMilliseconds(dice.Next(15)));
        }
        lines.Add($"{pair.Server.CloseWrite(server, pair.Now)}");
        for (int step = 0; step < 100; step++)
        {
            lines.Add($"{pair.Now.Ticks} {pair.Read(pair.Client, client, out _).Length} {pair.Read(pair.Server, server, out _).Length}");
            pair.Run(TimeSpan.FromSeconds(2));
        }
        Tell(pair.Client, client, lines);
        Tell(pair.Server, server, lines);
        return (lines, pair.Client.Counters.SegmentsPredicted + pair.Server.Counters.SegmentsPredicted);
    }

    // Mostly a little is written and all is read; sometimes much, sometimes a part, sometimes nothing.
    private static void Act(TcpPair pair, NetworkStack stack, SocketId id, SeededEntropy dice, List<string> lines)
    {
        int size = dice.Next(6) switch { 0 => 0, 1 => 1, 2 => 100, 3 => 3_000, 4 => 20_000, _ => 70_000 };
        if (stack.TryLeaseWritable(id, size, out RingLease room) == OpStatus.Ok)
        {
            int count = Math.Min(size, room.Length), first = Math.Min(count, room.First.Length);
            Build.Bytes(first, (int)dice.Next(1_000)).CopyTo(room.First);
            Build.Bytes(count - first, (int)dice.Next(1_000)).CopyTo(room.Second);
            lines.Add($"write {count} {stack.Commit(id, count, pair.Now)}");
        }
        OpStatus status = stack.TryLeaseReadable(id, out RingLease lease);
        int taken = dice.Next(4) == 0 ? (int)dice.Next((uint)lease.Length + 1) : lease.Length;
        lines.Add($"read {status} {taken} of {lease.Length} {Digest([.. lease.First.Span, .. lease.Second.Span])}");
        if (status == OpStatus.Ok) stack.Consume(id, taken, pair.Now);
        while (stack.TryTakeEvent(out SocketEvent happened)) lines.Add($"{happened}");
    }

    private static string Digest(ReadOnlySpan<byte> bytes) => Convert.ToHexString(SHA256.HashData(bytes), 0, 8);

    private static void Tell(NetworkStack stack, SocketId id, List<string> lines)
    {
        lines.Add(stack.TryGetInfo(id, out TcpInfo info) ? $"{info}" : "gone");
        StackCounters counters = stack.Counters;
        lines.Add($"{stack.FailureOf(id)} {stack.MemoryInUse} {counters.Retransmissions} {counters.RetransmitTimeouts} {counters.LossProbes}");
        foreach (DropReason reason in Enum.GetValues<DropReason>()) lines.Add($"{reason} {stack.Counters.Drops(reason)}");
    }
}
