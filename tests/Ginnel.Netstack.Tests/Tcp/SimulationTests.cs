using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

/// <summary>Random runs; the seed is the test's argument and repeats the run exactly.</summary>
public sealed class SimulationTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 150)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_transfer_on_a_bad_link_arrives_whole(int seed)
    {
        SeededEntropy dice = new((ulong)seed);
        using TcpPair pair = new(Options(dice), Options(dice), Mtu(dice), dice.Next(2) == 0 ? LinkOffloads.None : LinkOffloads.All, (ulong)seed);
        pair.Delay = TimeSpan.FromMilliseconds(dice.Next(100));
        uint loss = dice.Next(11), twice = dice.Next(5), late = dice.Next(10), bits = dice.Next(3);
        pair.Wire = (_, packet) =>
        {
            if (dice.Next(100) < bits && packet.Checksum == ChecksumState.Unverified) packet.Span[(int)dice.Next((uint)packet.Length)] ^= (byte)(1 << (int)dice.Next(8));
            return new Fate(dice.Next(100) < loss, dice.Next(100) < late ? TimeSpan.FromMilliseconds(dice.Next(200)) : default, dice.Next(100) < twice);
        };
        (SocketId client, SocketId server) = pair.Establish();
        TimeSpan limit = TimeSpan.FromHours(2);
        pair.Transfer(pair.Client, client, pair.Server, server, Build.Bytes((int)dice.Next(300_000), seed), limit);
        pair.Transfer(pair.Server, server, pair.Client, client, Build.Bytes((int)dice.Next(300_000), seed + 1), limit);
        pair.Client.Release(client, pair.Now);
        pair.Server.Release(server, pair.Now);
        pair.Run(TimeSpan.FromMinutes(20));
        Assert.Equal((0, 1), (pair.Client.SocketCount, pair.Server.SocketCount));
        Assert.Equal(0, pair.Client.MemoryInUse + pair.Server.MemoryInUse);
    }

    private static int Mtu(SeededEntropy dice) => dice.Next(4) switch { 0 => 576, 1 => 1280, 2 => 1500, _ => 9000 };

    private static TcpOptions Options(SeededEntropy dice) => new()
    {
        SendBuffer = 4096 << (int)dice.Next(9), ReceiveBuffer = 4096 << (int)dice.Next(9), Sack = dice.Next(4) > 0, Timestamps = dice.Next(4) > 0,
        WindowScaling = dice.Next(4) > 0, Nagle = dice.Next(2) == 0, CongestionControl = (CongestionControlKind)dice.Next(2),
        MaxOutOfOrderRanges = 1 + (int)dice.Next(130), GiveUpAfter = TimeSpan.FromHours(1), ConnectTimeout = TimeSpan.FromMinutes(10),
    };

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Random_segments_break_nothing(int seed)
    {
        SeededEntropy dice = new((ulong)seed);
        using TcpPeer peer = new(anyIp: seed % 2 == 0);
        peer.Listen();
        if (dice.Next(2) == 0) peer.Timestamp = 1;
        for (int step = 0; step < 20_000; step++)
        {
            if (dice.Next(50) == 0) Verb(peer, dice);
            peer.Port = (ushort)(1000 + dice.Next(5));
            TcpFlags flags = dice.Next(3) == 0 ? (TcpFlags)dice.Next(64) : TcpFlags.Ack;
            int near = (int)dice.Next(200) - 20, ack = (int)dice.Next(2000) - 100;
            (int, int)[] sack = new (int, int)[dice.Next(4)];
            for (int i = 0; i < sack.Length; i++) sack[i] = ((int)dice.Next(3000) - 10, (int)dice.Next(3000));
            peer.Send(flags, near, ack, Build.Bytes((int)dice.Next(100)), (int)dice.Next(65_536), (int)dice.Next(1600), (int)dice.Next(20) - 1,
                dice.Next(2) == 0, timestamp: dice.Next(4) == 0 ? dice.NextUInt32() : null, sack: sack);
            if (dice.Next(10) == 0) peer.Sent();
            if (dice.Next(20) == 0) peer.AdvanceMs(dice.Next(3000));
        }
        while (peer.Stack.TryTakeEvent(out SocketEvent last)) if (last.Id != peer.Listener) peer.Stack.Release(last.Id, peer.Now);
    }

    private static void Verb(TcpPeer peer, SeededEntropy dice)
    {
        while (peer.Stack.TryTakeEvent(out SocketEvent next))
        {
            SocketId id = next.Id;
            if (next.Events.HasFlag(SocketEvents.Acceptable)) peer.Stack.Accept(id, peer.Now, out id);
            else if (next.Events.HasFlag(SocketEvents.PendingConnection)) peer.Stack.Accept(id, peer.Now, out id);
            switch (dice.Next(8))
            {
                case 0: peer.Stack.CloseWrite(id, peer.Now); break;
                case 1: peer.Stack.Abort(id, peer.Now); break;
                case 2 when id != peer.Listener: peer.Stack.Release(id, peer.Now); break;
                case 3: peer.Stack.Reject(id, NetworkFailure.HostUnreachable, peer.Now); break;
                default:
                    if (peer.Stack.TryLeaseWritable(id, 3000, out RingLease room) == OpStatus.Ok)
                        peer.Stack.Commit(id, Math.Min(room.Length, (int)dice.Next(3000)), peer.Now);
                    if (peer.Stack.TryLeaseReadable(id, out RingLease read) == OpStatus.Ok && dice.Next(2) == 0)
                        peer.Stack.Consume(id, (int)dice.Next((uint)read.Length + 1), peer.Now);
                    break;
            }
        }
    }
}
