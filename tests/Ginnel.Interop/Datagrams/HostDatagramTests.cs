using System.Net;
using System.Net.Sockets;
using Ginnel.Linux.Datagrams;

namespace Ginnel.Interop.Datagrams;

/// <summary>The host's datagram sockets over the loopback of this machine: answers, errors that name their target, cancellation.</summary>
public sealed class HostDatagramTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static TheoryData<string> Loopbacks => ["127.0.0.1", "::1"];

    [Theory]
    [MemberData(nameof(Loopbacks))]
    public async Task ADatagramComesBack(string address)
    {
        using CancellationTokenSource limit = new(Patience);
        IPAddress loopback = IPAddress.Parse(address);
        await using IDatagramPort port = Bind(loopback.AddressFamily);
        using Socket peer = Peer(loopback);
        IPEndPoint target = (IPEndPoint)peer.LocalEndPoint!;
        Assert.Equal(DialFailureKind.None, (await port.SendAsync(new byte[] { 1, 2, 3 }, target, limit.Token)).Kind);
        byte[] buffer = new byte[100];
        SocketReceiveFromResult heard = await peer.ReceiveFromAsync(buffer, target, limit.Token);
        await peer.SendToAsync(buffer.AsMemory(0, heard.ReceivedBytes), heard.RemoteEndPoint, limit.Token);
        await port.WaitAsync(limit.Token);
        DatagramItem item = await port.ReceiveAsync(buffer, limit.Token);
        Assert.Equal(new DatagramItem(3, target), item);
    }

    [Theory]
    [MemberData(nameof(Loopbacks))]
    public async Task RefusedComesAsAnItemNamingItsTarget(string address)
    {
        using CancellationTokenSource limit = new(Patience);
        IPAddress loopback = IPAddress.Parse(address);
        await using IDatagramPort port = Bind(loopback.AddressFamily);
        using Socket peer = Peer(loopback);
        IPEndPoint alive = (IPEndPoint)peer.LocalEndPoint!, dead = ClosedPort(loopback);
        // The error of the one must not be taken for the other's, whichever call meets it first.
        ValueTask<DatagramItem> receive = port.ReceiveAsync(new byte[100], limit.Token);
        Assert.Equal(DialFailureKind.None, (await port.SendAsync(new byte[] { 1 }, dead, limit.Token)).Kind);
        for (int i = 0; i < 3; i++) Assert.Equal(DialFailureKind.None, (await port.SendAsync(new byte[] { 2 }, alive, limit.Token)).Kind);
        DatagramItem item = await receive;
        Assert.Equal((DialFailureKind.Refused, dead), (item.Failure.Kind, item.Remote));
        for (int i = 0; i < 3; i++) Assert.Equal(1, await peer.ReceiveAsync(new byte[10], limit.Token));
    }

    [Theory]
    [InlineData("127.0.0.1", 100)]
    [InlineData("::1", 100)]
    // Longer than what loopback carries in one packet: no run of segments, each goes in fragments.
    [InlineData("127.0.0.1", 30_000)]
    public async Task ABatchArrivesAsWhatItIs(string address, int size)
    {
        using CancellationTokenSource limit = new(Patience);
        IPAddress loopback = IPAddress.Parse(address);
        await using IDatagramPort port = Bind(loopback.AddressFamily);
        using Socket peer = Peer(loopback);
        peer.ReceiveBufferSize = 1 << 20;
        IPEndPoint alive = (IPEndPoint)peer.LocalEndPoint!, dead = ClosedPort(loopback);
        int[] sizes = size > 1_000 ? [size, size - 1] : [size, size, size, size - 1, size, 0, size];
        for (int turn = 0; turn < 2; turn++)
        {
            DatagramBatch batch = DatagramBatch.Rent();
            for (int i = 0; i < sizes.Length; i++)
            {
                batch.Free.Span[..sizes[i]].Fill((byte)i);
                batch.Add(new DatagramItem(sizes[i], alive));
            }
            if (!batch.IsFull) batch.Add(new DatagramItem(0, dead));
            await port.SendAsync(batch, limit.Token);
            for (int i = 0; i < batch.Count; i++) Assert.Equal(DialFailureKind.None, batch[i].Failure.Kind);
            batch.Return();
            byte[] buffer = new byte[65_536];
            for (int i = 0; i < sizes.Length; i++)
            {
                int length = await peer.ReceiveAsync(buffer, limit.Token);
                Assert.Equal(sizes[i], length);
                Assert.Equal(length, buffer.AsSpan(0, length).Count((byte)i));
            }
        }
        if (size > 1_000) return;
        // The refusal comes by itself, and is no other target's.
        DatagramBatch heard = DatagramBatch.Rent();
        while (heard.Count == 0)
        {
            Assert.True(await port.WaitAsync(limit.Token));
            await port.ReceiveAsync(heard, limit.Token);
        }
        Assert.Equal((DialFailureKind.Refused, dead), (heard[0].Failure.Kind, heard[0].Remote));
        heard.Return();
    }

    [Fact]
    public async Task AfterABatchThatWasJustFullNobodyWaitsWithTheNext()
    {
        using CancellationTokenSource limit = new(Patience);
        await using IDatagramPort port = Bind(AddressFamily.InterNetwork);
        using Socket peer = Peer(IPAddress.Loopback);
        IPEndPoint target = new(IPAddress.Loopback, port.LocalEndPoint!.Port);
        for (int i = 0; i < DatagramBatch.MaxCount; i++) await peer.SendToAsync(new byte[1], target, limit.Token);
        for (int received = 0, count; received < DatagramBatch.MaxCount; received += count)
        {
            Assert.True(await port.WaitAsync(limit.Token));
            DatagramBatch batch = DatagramBatch.Rent();
            await port.ReceiveAsync(batch, limit.Token);
            count = batch.Count;
            batch.Return();
        }
        Assert.True(port.WaitAsync(limit.Token).IsCompletedSuccessfully);
        DatagramBatch next = DatagramBatch.Rent();
        Assert.True(port.ReceiveAsync(next, limit.Token).IsCompletedSuccessfully);
        Assert.Equal(0, next.Count);
        next.Return();
        Assert.False(port.WaitAsync(limit.Token).IsCompleted);
    }

    [Fact]
    public async Task ABatchTakesAllThatIsThere()
    {
        using CancellationTokenSource limit = new(Patience);
        await using IDatagramPort port = Bind(AddressFamily.InterNetwork);
        using Socket peer = Peer(IPAddress.Loopback);
        IPEndPoint target = new(IPAddress.Loopback, port.LocalEndPoint!.Port);
        int[] sizes = [3, 0, 60_000, 5, 20_000, 9];
        foreach (int size in sizes) await peer.SendToAsync(new byte[size], target, limit.Token);
        List<int> received = [];
        int batches = 0;
        for (; received.Count < sizes.Length; batches++)
        {
            Assert.True(await port.WaitAsync(limit.Token));
            DatagramBatch batch = DatagramBatch.Rent();
            await port.ReceiveAsync(batch, limit.Token);
            for (int i = 0; i < batch.Count; i++) received.Add(batch[i].Length);
            batch.Return();
        }
        Assert.Equal(sizes, received);
        // Loopback delivers before a send returns; 80,000 bytes leave no room for one more of the longest.
        Assert.Equal(2, batches);
        ValueTask<bool> waiting = port.WaitAsync(limit.Token);
        Assert.False(waiting.IsCompleted);
        await port.DisposeAsync();
        Assert.False(await waiting);
        Assert.False(await port.WaitAsync(limit.Token));
    }

    [Fact]
    public async Task OneSocketServesBothFamilies()
    {
        using CancellationTokenSource limit = new(Patience);
        await using IDatagramPort port = Bind(AddressFamily.InterNetworkV6);
        IPEndPoint dead = ClosedPort(IPAddress.Loopback);
        await port.SendAsync(new byte[] { 1 }, dead, limit.Token);
        DatagramItem item = await port.ReceiveAsync(new byte[100], limit.Token);
        Assert.Equal((DialFailureKind.Refused, dead), (item.Failure.Kind, item.Remote));
    }

    [Fact]
    public async Task MoreThanADatagramHoldsIsRefusedAtOnce()
    {
        await using IDatagramPort port = Bind(AddressFamily.InterNetwork);
        DialFailure failure = await port.SendAsync(new byte[65_508], ClosedPort(IPAddress.Loopback), TestContext.Current.CancellationToken);
        Assert.Equal(DialFailureKind.TooBig, failure.Kind);
    }

    [Fact]
    public async Task AWaitEndsWithItsTokenAndWithThePort()
    {
        IDatagramPort port = Bind(AddressFamily.InterNetwork);
        using CancellationTokenSource stop = new();
        ValueTask<DatagramItem> cancelled = port.ReceiveAsync(new byte[10], stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await cancelled);
        ValueTask<DatagramItem> closed = port.ReceiveAsync(new byte[10], TestContext.Current.CancellationToken);
        await port.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await closed);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await port.ReceiveAsync(new byte[10], TestContext.Current.CancellationToken));
    }

    [Theory]
    [MemberData(nameof(Loopbacks))]
    public async Task AnEchoComesBackToWhoAsked(string address)
    {
        using CancellationTokenSource limit = new(Patience);
        IPAddress loopback = IPAddress.Parse(address);
        BindResult bound = LinuxDatagramSockets.Shared.BindEcho(loopback.AddressFamily);
        Assert.SkipUnless(bound.IsBound, bound.Failure.Detail ?? "");
        await using IDatagramPort one = bound.Port!;
        await using IDatagramPort other = LinuxDatagramSockets.Shared.BindEcho(loopback.AddressFamily).Port!;
        IPEndPoint first = new(loopback, 77), second = new(loopback, 88);
        byte[] sent = [0x12, 0x34, .. "payload"u8];
        await other.SendAsync(new byte[] { 9, 9 }, second, limit.Token);
        await one.SendAsync(sent, first, limit.Token);
        byte[] buffer = new byte[100];
        DatagramItem item = await one.ReceiveAsync(buffer, limit.Token);
        Assert.Equal(new DatagramItem(sent.Length, first), item);
        Assert.Equal(sent, buffer[..item.Length]);
        Assert.Equal(new DatagramItem(2, second), await other.ReceiveAsync(buffer, limit.Token));
        Assert.Equal(new byte[] { 9, 9 }, buffer[..2]);
    }

    private static IDatagramPort Bind(AddressFamily family) =>
        LinuxDatagramSockets.Shared.BindUdp(new IPEndPoint(family == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0)).Port!;

    private static Socket Peer(IPAddress address)
    {
        Socket socket = new(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(address, 0));
        return socket;
    }

    private static IPEndPoint ClosedPort(IPAddress address)
    {
        using Socket socket = Peer(address);
        return (IPEndPoint)socket.LocalEndPoint!;
    }
}
