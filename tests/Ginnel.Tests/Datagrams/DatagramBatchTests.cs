using System.Net;
using Ginnel.Netstack;
using Ginnel.Testing;
using Ginnel.Wire;

namespace Ginnel.Tests;

/// <summary>Datagrams that are handed on together: what may go as one, and that each arrives as itself.</summary>
public sealed class DatagramBatchTests
{
    private static readonly IPEndPoint One = new(IPAddress.Parse("192.0.2.1"), 53), Same = new(IPAddress.Parse("192.0.2.1"), 53), Other = new(IPAddress.Parse("192.0.2.1"), 54);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void Neighbours_of_one_size_for_one_remote_are_a_run_and_only_its_last_may_be_shorter()
    {
        DatagramBatch batch = Filled((8, One), (8, Same), (5, One), (8, One), (8, Other), (9, Other), (0, Other), (0, Other));
        Assert.Equal([(0, 3, 21), (3, 1, 8), (4, 1, 8), (5, 1, 9), (6, 1, 0), (7, 1, 0)], Runs(batch));
        Assert.Equal([1, 1, 1, 1, 1], batch.PayloadOf(2).ToArray()[..5].Select(value => value == 2 ? 1 : 0));
        batch[1] = batch[1] with { Failure = new DialFailure(DialFailureKind.Denied) };
        Assert.Equal(1, batch.RunFrom(0, out _));
        batch.Return();
    }

    [Fact]
    public void A_run_fits_a_packet()
    {
        DatagramBatch batch = Filled((30_000, One), (30_000, One), (30_000, One));
        Assert.True(batch.IsFull);
        Assert.Throws<InvalidOperationException>(() => batch.Add(new DatagramItem(1, One)));
        Assert.Equal(2, batch.RunFrom(0, out ReadOnlyMemory<byte> payload));
        Assert.Equal(60_000, payload.Length);
        batch.Return();
    }

    [Fact]
    public void A_batch_always_has_room_for_the_longest_datagram_until_it_is_full()
    {
        DatagramBatch batch = DatagramBatch.Rent();
        for (int i = 0; i < DatagramBatch.MaxCount; i++)
        {
            Assert.False(batch.IsFull);
            Assert.True(batch.Free.Length >= 65_535);
            batch.Add(new DatagramItem(1, One));
        }
        Assert.True(batch.IsFull);
        batch.Return();
    }

    [Fact]
    public async Task Many_of_every_size_pass_the_relay_each_as_itself_and_in_order()
    {
        await using GatewayNetwork network = new();
        await using IDatagramPort world = network.World.BindUdp(GatewayNetwork.WorldEnd(53));
        await using IDatagramPort guest = network.Guest.BindUdp(new IPEndPoint(IPAddress.Any, 0));
        int[] sizes = [10, 10, 10, 7, 10, 0, 1_400, 1_400, 3, 4_000, 4_000, 1];
        byte[] buffer = new byte[5_000];
        // Only a few are kept for a port that is not accepted yet.
        await guest.SendAsync(new byte[1], GatewayNetwork.WorldEnd(53), Token);
        await world.ReceiveAsync(buffer, Token);
        for (int i = 0; i < sizes.Length; i++) await guest.SendAsync(Payload(sizes[i], i), GatewayNetwork.WorldEnd(53), Token);
        IPEndPoint? from = null;
        for (int i = 0; i < sizes.Length; i++)
        {
            DatagramItem item = await world.ReceiveAsync(buffer, Token);
            Assert.Equal(Payload(sizes[i], i), buffer[..item.Length]);
            from = item.Remote;
        }
        for (int i = 0; i < sizes.Length; i++) await world.SendAsync(Payload(sizes[i], i + 100), from!, Token);
        for (int i = 0; i < sizes.Length; i++)
        {
            DatagramItem item = await guest.ReceiveAsync(buffer, Token);
            Assert.Equal((GatewayNetwork.WorldEnd(53), sizes[i]), (item.Remote, item.Length));
            Assert.Equal(Payload(sizes[i], i + 100), buffer[..item.Length]);
        }
    }

    [Fact]
    public async Task Over_the_limit_of_ports_the_idlest_makes_room()
    {
        SimulatedTime time = new();
        RelayOptions options = new() { Time = time, Flows = new FlowRegistry(time), MaxFlows = 2 };
        await using GatewayNetwork network = new(options);
        await using IDatagramPort world = network.World.BindUdp(GatewayNetwork.WorldEnd(53));
        byte[] buffer = new byte[10];
        List<IDatagramPort> guests = [];
        for (int i = 0; i < 3; i++)
        {
            guests.Add(network.Guest.BindUdp(new IPEndPoint(IPAddress.Any, 0)));
            await guests[i].SendAsync(new byte[] { (byte)i }, GatewayNetwork.WorldEnd(53), Token);
            await world.ReceiveAsync(buffer, Token);
            while (options.Flows.Live.Sum(flow => flow.BytesUp) + options.Flows.EndedCount <= i) await Task.Yield();
            time.Advance(TimeSpan.FromSeconds(1));
            // The first speaks again, so that the second is the idlest.
            if (i != 1) continue;
            await guests[0].SendAsync(new byte[1], GatewayNetwork.WorldEnd(53), Token);
            await world.ReceiveAsync(buffer, Token);
            while (options.Flows.Live.All(flow => flow.BytesUp < 2)) await Task.Yield();
        }
        while (options.Flows.EndedCount == 0) await Task.Yield();
        Assert.Equal((1L, 0L), (network.Datagrams.DisplacedCount, network.Datagrams.LimitedCount));
        Assert.Contains(options.Flows.Live, flow => flow.BytesUp == 2);
        foreach (IDatagramPort guest in guests) await guest.DisposeAsync();
    }

    [Fact]
    public async Task Who_opens_many_ports_displaces_none_that_others_use()
    {
        SimulatedTime time = new();
        RelayOptions options = new() { Time = time, Flows = new FlowRegistry(time), MaxFlows = 2 };
        await using GatewayNetwork network = new(options);
        foreach (string more in (string[])["10.0.0.3/24", "10.0.0.4/24"]) network.Inside.ClientInterface.AddAddress(InterfaceAddress.Parse(more));
        await using IDatagramPort world = network.World.BindUdp(GatewayNetwork.WorldEnd(53));
        byte[] buffer = new byte[10];
        await using IDatagramPort quiet = Bind("10.0.0.1");
        await AskAsync(quiet, answer: true);
        // The quiet one's is the idlest, and stays: of the busy one's own, one gives way, at last though it is in use.
        bool[] answers = [false, true, false];
        List<IDatagramPort> busy = [];
        for (int i = 0; i < answers.Length; i++)
        {
            time.Advance(TimeSpan.FromSeconds(5));
            busy.Add(Bind("10.0.0.3"));
            await AskAsync(busy[i], answers[i]);
            while (network.Datagrams.PortCount > 2) await Task.Yield();
            Assert.Contains(options.Flows.Live, flow => IsOf(flow, quiet));
            Assert.Contains(options.Flows.Live, flow => IsOf(flow, busy[i]));
        }
        await AskAsync(busy[^1], answer: true);
        // All are in use by others now.
        await using IDatagramPort third = Bind("10.0.0.4");
        await third.SendAsync(new byte[1], GatewayNetwork.WorldEnd(53), Token);
        while (network.Datagrams.LimitedCount == 0) await Task.Yield();
        Assert.Equal((2L, 2), (network.Datagrams.DisplacedCount, options.Flows.LiveCount));
        // Who has not spoken for long is nobody's hindrance.
        time.Advance(options.PortAssurance - TimeSpan.FromSeconds(10));
        await AskAsync(third, answer: false);
        while (network.Datagrams.PortCount > 2) await Task.Yield();
        Assert.DoesNotContain(options.Flows.Live, flow => IsOf(flow, quiet));
        foreach (IDatagramPort port in busy) await port.DisposeAsync();

        IDatagramPort Bind(string address) => network.Guest.BindUdp(new IPEndPoint(IPAddress.Parse(address), 0));

        static bool IsOf(Flow flow, IDatagramPort port) => port.LocalEndPoint!.Equals(flow.Info.Source);

        async Task AskAsync(IDatagramPort port, bool answer)
        {
            await port.SendAsync(new byte[1], GatewayNetwork.WorldEnd(53), Token);
            DatagramItem asked = await world.ReceiveAsync(buffer, Token);
            if (answer) await world.SendAsync(new byte[1], asked.Remote, Token);
            while (!options.Flows.Live.Any(flow => IsOf(flow, port) && flow.BytesUp > 0 && flow.BytesDown > 0 == answer)) await Task.Yield();
        }
    }

    [Fact]
    public async Task Where_nothing_is_there_a_batch_stays_empty_and_nobody_waits_with_it()
    {
        await using TestNetwork network = new();
        await using IDatagramPort port = network.Client.BindUdp(new IPEndPoint(IPAddress.Any, 0));
        DatagramBatch batch = DatagramBatch.Rent();
        Assert.True(port.ReceiveAsync(batch, Token).IsCompletedSuccessfully);
        Assert.Equal(0, batch.Count);
        batch.Return();
    }

    [Fact]
    public async Task Of_a_run_that_the_queue_has_no_room_for_goes_what_there_is_room_for()
    {
        const int Each = 40, Room = 1_024;
        using NetworkRuntime runtime = new(new NetworkRuntimeOptions { Time = new SimulatedTime() });
        await using NetworkHost sender = new(new NetworkHostOptions { Runtime = runtime }), receiver = new(new NetworkHostOptions { Runtime = runtime });
        HostInterface near = sender.AddInterface(new HostInterfaceOptions { Addresses = [InterfaceAddress.Parse("10.0.0.1/24")], IpV6 = false });
        HostInterface far = receiver.AddInterface(new HostInterfaceOptions { Addresses = [InterfaceAddress.Parse("10.0.0.2/24")], IpV6 = false });
        (MemoryLink a, MemoryLink b) = MemoryLink.CreatePair(1500, LinkMedium.Ip, LinkOffloads.None, 4 * Room);
        GatedLink gate = new(a);
        sender.Attach(near, gate);
        receiver.Attach(far, b);
        await gate.Running.WaitAsync(Token);
        await using IDatagramPort from = sender.BindUdp(new IPEndPoint(IPAddress.Any, 0)), to = receiver.BindUdp(new IPEndPoint(IPAddress.Any, 53));
        IPEndPoint target = new(IPAddress.Parse("10.0.0.2"), 53);
        // The first is with the link's sender, whom the link holds up; all others stand in the queue.
        await from.SendAsync(new byte[10], target, Token);
        for (int sent = 0; sent <= Room; sent += Each)
        {
            DatagramBatch batch = Filled([.. Enumerable.Repeat((10, target), Each)]);
            await from.SendAsync(batch, Token);
            for (int i = 0; i < Each; i++) Assert.Equal(DialFailureKind.None, batch[i].Failure.Kind);
            batch.Return();
        }
        gate.Open();
        await from.SendAsync(new byte[5], target, Token);
        byte[] buffer = new byte[10];
        int received = 0;
        while ((await to.ReceiveAsync(buffer, Token)).Length == 10) received++;
        Assert.Equal(1 + Room, received);
    }

    /// <summary>A link that takes nothing until it is opened.</summary>
    private sealed class GatedLink(ILink inner) : ILink
    {
        private readonly TaskCompletionSource _running = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private volatile bool _isOpen;
        private ILinkSink? _sink;

        internal Task Running => _running.Task;

        public LinkProperties Properties => inner.Properties;

        internal void Open()
        {
            _isOpen = true;
            _sink!.Writable();
        }

        public Task RunAsync(ILinkSink sink, CancellationToken cancellationToken)
        {
            _sink = sink;
            _running.SetResult();
            return inner.RunAsync(sink, cancellationToken);
        }

        public int Send(ref PacketQueue queue) => _isOpen ? inner.Send(ref queue) : 0;

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }

    private static byte[] Payload(int length, int seed) => [.. Enumerable.Range(seed, length).Select(value => (byte)value)];

    private static DatagramBatch Filled(params (int Length, IPEndPoint Remote)[] items)
    {
        DatagramBatch batch = DatagramBatch.Rent();
        for (int i = 0; i < items.Length; i++)
        {
            batch.Free.Span[..items[i].Length].Fill((byte)i);
            batch.Add(new DatagramItem(items[i].Length, items[i].Remote));
        }
        return batch;
    }

    private static List<(int First, int Count, int Bytes)> Runs(DatagramBatch batch)
    {
        List<(int, int, int)> runs = [];
        for (int i = 0; i < batch.Count;)
        {
            int count = batch.RunFrom(i, out ReadOnlyMemory<byte> payload);
            runs.Add((i, count, payload.Length));
            i += count;
        }
        return runs;
    }
}
