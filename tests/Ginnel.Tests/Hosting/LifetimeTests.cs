using System.Net;
using System.Net.Sockets;
using Ginnel.Netstack;
using Ginnel.Testing;
using Ginnel.Wire;

namespace Ginnel.Tests;

public sealed class LifetimeTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void Idle_slabs_go_when_the_collector_wants_memory()
    {
        using NetworkRuntime runtime = new(new NetworkRuntimeOptions { Time = new SimulatedTime() });
        for (int round = 0; round < 2; round++)
        {
            PacketQueue queue = default;
            for (int i = 0; i < 200; i++)
            {
                Assert.True(runtime.Pool.TryRent(PacketSize.Super, out Packet packet));
                queue.Add(packet);
            }
            // Read before the slabs come back: from then on a collection of any other test trims them.
            long before = runtime.Pool.AllocatedBytes;
            queue.ReturnAll();
            // A collection of another test's may have called the trimmer just before the slabs came back, and not have put it up again: a few rounds.
            for (int attempt = 0; attempt < 5 && runtime.Pool.AllocatedBytes > before / 2; attempt++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
            Assert.InRange(runtime.Pool.AllocatedBytes, 1, before / 2);
        }
    }

    [Fact]
    public async Task An_interface_outlives_its_link_and_connections_go_on_over_the_next()
    {
        await using TestNetwork network = new();
        (TcpStream client, TcpStream server) = await network.ConnectAsync();
        await network.Client.DetachAsync(network.ClientInterface);
        await network.ServerLink.Completion;
        await client.WriteAsync(new byte[] { 1, 2, 3 }, Token);
        (MemoryLink a, MemoryLink b) = MemoryLink.CreatePair();
        network.Client.Attach(network.ClientInterface, a);
        network.Server.Attach(network.ServerInterface, b);
        network.Time.Advance(TimeSpan.FromSeconds(5));
        byte[] buffer = new byte[3];
        await server.ReadExactlyAsync(buffer, Token);
        Assert.Equal(new byte[] { 1, 2, 3 }, buffer);
    }

    [Fact]
    public async Task An_interface_has_one_link_at_a_time()
    {
        await using TestNetwork network = new();
        Assert.Throws<InvalidOperationException>(() => network.Client.Attach(network.ClientInterface, MemoryLink.CreatePair().A));
    }

    [Fact]
    public async Task A_link_that_breaks_says_why_and_the_interface_is_free_for_another()
    {
        await using TestNetwork network = new();
        await network.Client.DetachAsync(network.ClientInterface);
        await using LinkAttachment attachment = network.Client.Attach(network.ClientInterface, new BreakingLink());
        IOException broken = await Assert.ThrowsAsync<IOException>(() => attachment.Completion);
        Assert.Equal("unplugged", broken.Message);
        Assert.Null(network.ClientInterface.Attachment);
    }

    [Fact]
    public async Task Disposing_a_host_resets_its_connections_and_ends_every_operation()
    {
        await using TestNetwork network = new();
        (TcpStream client, TcpStream server) = await network.ConnectAsync();
        StackListener listener = network.Server.Listen(new IPEndPoint(IPAddress.Any, 99));
        ValueTask<TcpStream?> accepting = listener.AcceptStreamAsync(Token);
        IDatagramPort port = network.Server.BindUdp(new IPEndPoint(IPAddress.Any, 99));
        ValueTask<DatagramItem> receiving = port.ReceiveAsync(new byte[1], Token);
        ValueTask<int> reading = server.ReadAsync(new byte[1], Token);
        await network.Server.DisposeAsync();
        await network.Server.DisposeAsync();
        Assert.Null(await accepting);
        await Assert.ThrowsAsync<IOException>(async () => await reading);
        await Assert.ThrowsAnyAsync<Exception>(async () => await receiving);
        IOException atPeer = await Assert.ThrowsAsync<IOException>(async () => await client.ReadExactlyAsync(new byte[1], Token));
        Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(atPeer.InnerException).SocketErrorCode);
        Assert.Throws<ObjectDisposedException>(() => network.Server.Listen(new IPEndPoint(IPAddress.Any, 1)));
    }

    [Fact]
    public async Task Stopping_waits_until_what_was_written_has_arrived()
    {
        await using TestNetwork network = new();
        (TcpStream client, TcpStream server) = await network.ConnectAsync();
        // A datagram that nobody reads keeps nobody waiting.
        await using IDatagramPort unread = network.Client.BindUdp(new IPEndPoint(IPAddress.Any, 7));
        await unread.SendAsync(new byte[10], new IPEndPoint(IPAddress.Parse("10.0.0.1"), 7), Token);
        // As much as a send buffer takes before its connection has proven anything.
        await client.WriteAsync(new byte[200_000], Token);
        Task stopping = network.Client.StopAsync(Token);
        Assert.False(stopping.IsCompleted);
        client.Dispose();
        await server.CopyToAsync(Stream.Null, Token);
        server.Dispose();
        while (!stopping.IsCompleted)
        {
            network.Time.Advance(TimeSpan.FromMilliseconds(20));
            await Task.Yield();
        }
        await stopping;
    }

    [Fact]
    public async Task Stopping_gives_up_when_its_token_is_cancelled()
    {
        await using TestNetwork network = new();
        await network.ConnectAsync();
        using CancellationTokenSource source = new();
        Task stopping = network.Client.StopAsync(source.Token);
        await source.CancelAsync();
        await stopping;
    }

    [Fact]
    public async Task A_fault_of_the_core_ends_its_host_and_no_other()
    {
        ThrowingEntropy entropy = new();
        using NetworkRuntime runtime = new(new NetworkRuntimeOptions { Entropy = entropy, Time = new SimulatedTime() });
        await using TestNetwork network = new(runtime: runtime);
        (TcpStream client, TcpStream server) = await network.ConnectAsync();
        ValueTask<IPendingConnection?> accepting = network.Client.AcceptConnections().AcceptAsync(Token);
        ValueTask<int> reading = client.ReadAsync(new byte[1], Token);
        entropy.Throws = true;
        DialResult dialled = await network.Client.Dialer.DialAsync(TestNetwork.ServerEnd(1), new FlowInfo { Protocol = FlowProtocol.Tcp }, Token);
        entropy.Throws = false;
        Assert.False(dialled.IsConnected);
        Assert.Equal("entropy is out", (await network.Client.Failed.WaitAsync(Token)).Message);
        IOException failed = await Assert.ThrowsAsync<IOException>(async () => await reading);
        Assert.Contains("entropy is out", failed.Message, StringComparison.Ordinal);
        Assert.Null(await accepting);
        Assert.Equal(1, runtime.PoisonedHosts);
        Assert.False(network.Server.Failed.IsCompleted);
        await using IDatagramPort port = network.Server.BindUdp(new IPEndPoint(IPAddress.Any, 5));
        server.Dispose();
    }

    private sealed class BreakingLink : ILink
    {
        public LinkProperties Properties => new(LinkMedium.Ip, 1500);
        public async Task RunAsync(ILinkSink sink, CancellationToken cancellationToken)
        {
            await Task.Yield();
            throw new IOException("unplugged");
        }

        public int Send(ref PacketQueue queue)
        {
            int count = queue.Count;
            queue.ReturnAll();
            return count;
        }

        public ValueTask DisposeAsync() => default;
    }

    private sealed class ThrowingEntropy : EntropySource
    {
        private readonly Random _random = new(1);

        internal bool Throws { get; set; }

        public override void Fill(Span<byte> destination)
        {
            if (Throws) throw new InvalidOperationException("entropy is out");
            _random.NextBytes(destination);
        }
    }
}
