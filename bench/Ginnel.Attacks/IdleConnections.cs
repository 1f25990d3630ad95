using System.Globalization;
using System.Runtime.CompilerServices;
using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel.Attacks;

/// <summary>Managed heap of connections that are established and idle, between two stacks in memory; each connection is one in both.</summary>
internal static class IdleConnections
{
    internal static string Measure(int count)
    {
        Pair(100, use: true);
        return string.Create(CultureInfo.InvariantCulture, $"""
            # Idle connections

            `dotnet run -c Release --project bench/Ginnel.Attacks -- idle {count}`: {count:N0} connections between two stacks in memory, established and idle.
            Managed heap for each end, the stacks' tables included.

            | connections | bytes each | bytes in buffers, all together |
            |---|---|---|
            {One(count, use: false)}
            {One(count, use: true)}

            """);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static string One(int count, bool use)
    {
        long before = GC.GetTotalMemory(forceFullCollection: true);
        (NetworkStack client, NetworkStack server) = Pair(count, use);
        long each = (GC.GetTotalMemory(forceFullCollection: true) - before) / (2 * count);
        long buffers = client.MemoryInUse + server.MemoryInUse;
        GC.KeepAlive(client);
        GC.KeepAlive(server);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"| {(use ? "used once, for one octet each way" : "never used")} | {each:N0} | {buffers} |");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (NetworkStack Client, NetworkStack Server) Pair(int count, bool use)
    {
        PacketPool pool = new();
        Instant now = new(TimeSpan.TicksPerDay);
        LinkProperties link = new(LinkMedium.Ip, 1500, LinkOffloads.All);
        IpAddress[] addresses = [IpAddress.Parse("10.9.0.1"), IpAddress.Parse("10.9.0.2")];
        NetworkStack[] stacks = new NetworkStack[2];
        InterfaceId id = default;
        for (int i = 0; i < 2; i++)
        {
            stacks[i] = new NetworkStack(new StackOptions { Pool = pool, Entropy = new SeededDice((ulong)i) });
            id = stacks[i].AddInterface(new InterfaceOptions { Link = link });
            stacks[i].AddAddress(id, addresses[i], 24, now);
            stacks[i].SetLink(id, link, up: true, now);
        }
        stacks[1].Listen(new IpEndpoint(IpAddress.AnyV4, 80), 65_535, out SocketId listener);
        List<SocketId> ids = [];
        void Exchange()
        {
            for (int round = 0; round < 6; round++)
            {
                now += TimeSpan.FromMilliseconds(20);
                for (int i = 0; i < 2; i++)
                {
                    PacketQueue queue = default;
                    stacks[i].Transmit(id, ref queue, int.MaxValue, now);
                    stacks[1 - i].Receive(id, ref queue, now);
                    stacks[i].Advance(now);
                    while (stacks[i].TryTakeEvent(out _)) { }
                }
            }
        }
        for (int i = 0; i < count; i++)
        {
            stacks[0].Connect(default(IpEndpoint) with { Address = IpAddress.AnyV4 }, new IpEndpoint(addresses[1], 80), now, out SocketId client);
            ids.Add(client);
            if (i % 500 == 499) Exchange();
        }
        Exchange();
        int accepted = 0;
        List<SocketId> servers = [];
        while (stacks[1].Accept(listener, now, out SocketId server) == OpStatus.Ok) { accepted++; servers.Add(server); }
        if (accepted != count) throw new InvalidOperationException($"{accepted} of {count} connections were established.");
        // Not all at once, or the pool of packets would keep as many and be counted.
        for (int i = 0; use && i < count; i += 500)
        {
            int end = Math.Min(count, i + 500);
            for (int j = i; j < end; j++) Say(stacks[0], ids[j]);
            Exchange();
            for (int j = i; j < end; j++) Say(stacks[1], servers[j]);
            Exchange();
            for (int j = i; j < end; j++) { Hear(stacks[0], ids[j]); Hear(stacks[1], servers[j]); }
            Exchange();
        }
        return (stacks[0], stacks[1]);

        void Say(NetworkStack stack, SocketId each)
        {
            stack.TryLeaseWritable(each, 1, out _);
            stack.Commit(each, 1, now);
        }

        void Hear(NetworkStack stack, SocketId each)
        {
            if (stack.TryLeaseReadable(each, out RingLease lease) == OpStatus.Ok) stack.Consume(each, lease.Length, now);
        }
    }
}
