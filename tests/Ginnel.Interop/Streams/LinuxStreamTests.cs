using System.Net;
using System.Net.Sockets;
using Ginnel.Linux.Events;
using Ginnel.Linux.Streams;
using Ginnel.Netstack;
using Ginnel.Testing;

namespace Ginnel.Interop.Streams;

/// <summary>TCP connections of the host on an event loop, against the base library's sockets.</summary>
public sealed class LinuxStreamTests : IDisposable
{
    private readonly EventLoop _loop = new("test", runsContinuations: true);
    private readonly TcpListener _server = new(IPAddress.Loopback, 0);

    public LinuxStreamTests() => _server.Start();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _server.Dispose();
        _loop.Dispose();
    }

    [Fact]
    public async Task TwoPiecesGoAndComeAsOne()
    {
        (HostStream stream, Socket peer) = await ConnectAsync();
        Assert.Equal(7, await stream.SendSomeAsync("abc"u8.ToArray(), "defg"u8.ToArray(), Token));
        byte[] seven = new byte[7];
        Assert.Equal(7, await ReadAllAsync(peer, seven));
        Assert.Equal("abcdefg"u8.ToArray(), seven);
        await peer.SendAsync("123456"u8.ToArray(), Token);
        Assert.Equal(0, await stream.ReadAsync(Memory<byte>.Empty, Token));
        byte[] first = new byte[2], second = new byte[10];
        Assert.Equal(6, stream.TryReceive(first, second));
        Assert.Equal("12"u8.ToArray(), first);
        Assert.Equal("3456"u8.ToArray(), second[..4]);
        Assert.Equal(-1, stream.TryReceive(first, second));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AReadThatDidNotFillItsRoomLosesNothingThatComesAfterIt(bool endsWithTheData)
    {
        (HostStream stream, Socket peer) = await ConnectAsync();
        byte[] room = new byte[10];
        for (int i = 1; i <= 3; i++)
        {
            await peer.SendAsync(new byte[i], Token);
            if (endsWithTheData && i == 3) peer.Shutdown(SocketShutdown.Send);
            int received = 0;
            // The end may already stand behind the data: it is news of its own.
            while (received < i)
            {
                Assert.True(await stream.WaitReadableAsync(Token));
                received += Math.Max(0, stream.TryReceive(room.AsSpan(0, 5), room.AsSpan(5)));
            }
            Assert.Equal(i, received);
        }
        if (!endsWithTheData) peer.Shutdown(SocketShutdown.Send);
        int last;
        do Assert.True(await stream.WaitReadableAsync(Token));
        while ((last = stream.TryReceive(room, default)) < 0);
        Assert.Equal(0, last);
        // The end is read again and again.
        Assert.True(await stream.WaitReadableAsync(Token));
        Assert.Equal(0, stream.TryReceive(room, default));
        await stream.CompleteWritesAsync(Token);
        stream.Dispose();
        Assert.Equal(0, await peer.ReceiveAsync(room, Token));
        Assert.False(await stream.WaitReadableAsync(Token));
    }

    /// <summary>A receive ends where urgent data stood, also where there is more behind it (tcp(7), MSG_OOB).</summary>
    [Fact]
    public async Task WhatStandsBehindUrgentDataIsReadWithoutFurtherNews()
    {
        (HostStream stream, Socket peer) = await ConnectAsync();
        SendAroundUrgent(peer);
        byte[] room = new byte[10];
        int received = 0;
        while (received < 6)
        {
            Assert.True(await stream.WaitReadableAsync(Token));
            received += Math.Max(0, stream.TryReceive(room.AsSpan(received), default));
        }
        Assert.Equal("abcdef"u8.ToArray(), room[..6]);
    }

    [Fact]
    public async Task WhatStandsBehindUrgentDataIsRelayedWithoutFurtherNews()
    {
        using NetworkRuntime runtime = new(new NetworkRuntimeOptions { Completions = _loop });
        await using NetworkHost guest = new(new NetworkHostOptions { Runtime = runtime }), gateway = new(new NetworkHostOptions { Runtime = runtime });
        HostInterface near = guest.AddInterface(new HostInterfaceOptions { Addresses = [InterfaceAddress.Parse("10.0.0.1/24")] });
        HostInterface far = gateway.AddInterface(new HostInterfaceOptions { Addresses = [InterfaceAddress.Parse("10.0.0.2/24")], AnyIp = true });
        guest.AddRoute(IPNetwork.Parse("0.0.0.0/0"), near);
        (MemoryLink a, MemoryLink b) = MemoryLink.CreatePair();
        guest.Attach(near, a);
        gateway.Attach(far, b);
        DirectDialer dialer = new(new DirectDialerOptions { Redirect = _ => (IPEndPoint)_server.LocalEndpoint, StreamSockets = new LinuxStreamSockets(_loop) });
        using CancellationTokenSource stop = new();
        Task relaying = new Relay(gateway.AcceptConnections(), dialer, new RelayOptions { Scheduler = _loop }).RunAsync(stop.Token);
        TcpStream client = await guest.ConnectAsync(new IPEndPoint(IPAddress.Parse("192.0.2.80"), 80), Token);
        SendAroundUrgent(await _server.AcceptSocketAsync(Token));
        byte[] room = new byte[6];
        await client.ReadExactlyAsync(room, Token);
        Assert.Equal("abcdef"u8.ToArray(), room);
        await stop.CancelAsync();
        await relaying;
    }

    /// <summary>A receive ends with the message that bears descriptors (unix(7), SCM_RIGHTS); so no short one tells that nothing is left.</summary>
    [Fact]
    public async Task AShortReadOfAUnixSocketIsNoReasonToWait()
    {
        string path = Path.Combine(Path.GetTempPath(), $"ginnel-test-{Guid.NewGuid():N}");
        try
        {
            using Socket listening = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            listening.Bind(new UnixDomainSocketEndPoint(path));
            listening.Listen(1);
            using IHostStreamAcceptor acceptor = new LinuxStreamSockets(_loop).Listen(listening);
            using Socket client = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await client.ConnectAsync(new UnixDomainSocketEndPoint(path), Token);
            await using HostStream stream = await acceptor.AcceptAsync(Token);
            await client.SendAsync("abc"u8.ToArray(), Token);
            Assert.True(await stream.WaitReadableAsync(Token));
            Assert.Equal(3, stream.TryReceive(new byte[10], default));
            Assert.True(stream.WaitReadableAsync(Token).IsCompletedSuccessfully);
            Assert.Equal(-1, stream.TryReceive(new byte[10], default));
            ValueTask<bool> waiting = stream.WaitReadableAsync(Token);
            await client.SendAsync("d"u8.ToArray(), Token);
            Assert.True(await waiting);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static void SendAroundUrgent(Socket peer)
    {
        peer.NoDelay = true;
        peer.Send("abc"u8);
        peer.Send("!"u8, SocketFlags.OutOfBand);
        peer.Send("def"u8);
    }

    [Fact]
    public async Task ARefusalAndAnUnreachableAddressAreResults()
    {
        LinuxStreamSockets sockets = new(_loop);
        IPEndPoint closed = (IPEndPoint)_server.LocalEndpoint;
        _server.Stop();
        Assert.Equal(DialFailureKind.Refused, (await sockets.ConnectAsync(closed, Token)).Failure.Kind);
        // A broadcast address is nobody's.
        DialResult nobody = await sockets.ConnectAsync(new IPEndPoint(IPAddress.Broadcast, 80), Token);
        Assert.False(nobody.IsConnected);
        Assert.NotEqual(DialFailureKind.None, nobody.Failure.Kind);
    }

    [Fact]
    public async Task HalfCloseTravelsAndTheOtherDirectionGoesOn()
    {
        (HostStream stream, Socket peer) = await ConnectAsync();
        await stream.CompleteWritesAsync(Token);
        Assert.Equal(0, await peer.ReceiveAsync(new byte[1], Token));
        await peer.SendAsync("late"u8.ToArray(), Token);
        peer.Shutdown(SocketShutdown.Send);
        byte[] four = new byte[4];
        await stream.ReadExactlyAsync(four, Token);
        Assert.Equal("late"u8.ToArray(), four);
        // The end stays the end.
        Assert.Equal(0, await stream.ReadAsync(four, Token));
        Assert.Equal(0, await stream.ReadAsync(Memory<byte>.Empty, Token));
        Assert.Equal(0, stream.TryReceive(four, default));
    }

    [Fact]
    public async Task MoreThanTheKernelTakesWaitsForRoom()
    {
        (HostStream stream, Socket peer) = await ConnectAsync();
        byte[] much = new byte[32 << 20];
        new Random(1).NextBytes(much);
        Task writing = stream.WriteAsync(much, Token).AsTask();
        byte[] got = new byte[much.Length];
        Assert.False(writing.IsCompleted);
        Assert.Equal(much.Length, await ReadAllAsync(peer, got));
        await writing;
        Assert.True(much.AsSpan().SequenceEqual(got));
    }

    [Fact]
    public async Task ACancelledReadLeavesTheStreamUsable()
    {
        (HostStream stream, Socket peer) = await ConnectAsync();
        using (CancellationTokenSource patience = new())
        {
            ValueTask<int> waiting = stream.ReadAsync(new byte[1], patience.Token);
            await patience.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.AsTask());
        }
        await peer.SendAsync("x"u8.ToArray(), Token);
        byte[] one = new byte[1];
        Assert.Equal(1, await stream.ReadAsync(one, Token));
        Assert.Equal((byte)'x', one[0]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WhoWaitsIsToldWhenItIsClosed(bool abort)
    {
        (HostStream stream, Socket peer) = await ConnectAsync();
        Task<int> waiting = stream.ReadAsync(new byte[1], Token).AsTask();
        if (abort) stream.Abort();
        else await stream.DisposeAsync();
        IOException broken = await Assert.ThrowsAsync<IOException>(() => waiting);
        Assert.Equal(SocketError.OperationAborted, Assert.IsType<SocketException>(broken.InnerException).SocketErrorCode);
        if (abort)
        {
            SocketException reset = await Assert.ThrowsAsync<SocketException>(() => peer.ReceiveAsync(new byte[1], Token).AsTask());
            Assert.Equal(SocketError.ConnectionReset, reset.SocketErrorCode);
        }
        else
        {
            Assert.Equal(0, await peer.ReceiveAsync(new byte[1], Token));
        }
        await Assert.ThrowsAsync<IOException>(() => stream.WriteAsync(new byte[1], Token).AsTask());
    }

    [Fact]
    public async Task AResetOfThePeerIsItsError()
    {
        (HostStream stream, Socket peer) = await ConnectAsync();
        Task<int> waiting = stream.ReadAsync(new byte[1], Token).AsTask();
        peer.LingerState = new LingerOption(true, 0);
        peer.Dispose();
        IOException broken = await Assert.ThrowsAsync<IOException>(() => waiting);
        Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(broken.InnerException).SocketErrorCode);
    }

    [Fact]
    public async Task AnAcceptorTakesConnectionsInOrderAlsoThoseThatWaitedAlready()
    {
        using Socket listening = Listening();
        using IHostStreamAcceptor acceptor = new LinuxStreamSockets(_loop).Listen(listening);
        for (int round = 0; round < 3; round++)
        {
            ValueTask<HostStream> waiting = acceptor.AcceptAsync(Token);
            Socket[] clients = [.. Enumerable.Range(0, 5).Select(_ => new Socket(SocketType.Stream, ProtocolType.Tcp))];
            foreach (Socket client in clients) await client.ConnectAsync(listening.LocalEndPoint!, Token);
            foreach (Socket client in clients)
            {
                await using HostStream stream = await waiting;
                Assert.Equal(Unmapped(client.LocalEndPoint!), stream.RemoteEndPoint);
                Assert.Equal(listening.LocalEndPoint, stream.LocalEndPoint);
                await client.SendAsync("hello"u8.ToArray(), Token);
                byte[] five = new byte[5];
                await stream.ReadExactlyAsync(five, Token);
                Assert.Equal("hello"u8.ToArray(), five);
                client.Dispose();
                if (client != clients[^1]) waiting = acceptor.AcceptAsync(Token);
            }
        }
    }

    [Fact]
    public async Task AnAcceptThatIsGivenUpLosesNoConnection()
    {
        using Socket listening = Listening();
        using IHostStreamAcceptor acceptor = new LinuxStreamSockets(_loop).Listen(listening);
        using CancellationTokenSource giveUp = new();
        Task<HostStream> waiting = acceptor.AcceptAsync(giveUp.Token).AsTask();
        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        using Socket client = new(SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(listening.LocalEndPoint!, Token);
        await using HostStream stream = await acceptor.AcceptAsync(Token);
        Assert.Equal(Unmapped(client.LocalEndPoint!), stream.RemoteEndPoint);
    }

    [Fact]
    public async Task WhoWaitsToAcceptIsToldWhenTheAcceptorIsClosedAndThePortIsFree()
    {
        Socket listening = Listening();
        IPEndPoint port = (IPEndPoint)listening.LocalEndPoint!;
        IHostStreamAcceptor acceptor = new LinuxStreamSockets(_loop).Listen(listening);
        Task<HostStream> waiting = acceptor.AcceptAsync(Token).AsTask();
        acceptor.Dispose();
        listening.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => acceptor.AcceptAsync(Token).AsTask());
        using Socket next = new(SocketType.Stream, ProtocolType.Tcp);
        next.Bind(port);
    }

    private static Socket Listening()
    {
        Socket listening = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listening.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listening.Listen(16);
        return listening;
    }

    private static IPEndPoint Unmapped(EndPoint endPoint) =>
        endPoint is IPEndPoint { Address.IsIPv4MappedToIPv6: true } mapped ? new IPEndPoint(mapped.Address.MapToIPv4(), mapped.Port) : (IPEndPoint)endPoint;

    private async Task<(HostStream Stream, Socket Peer)> ConnectAsync()
    {
        DialResult result = await new LinuxStreamSockets(_loop).ConnectAsync((IPEndPoint)_server.LocalEndpoint, Token);
        Assert.True(result.IsConnected);
        return ((HostStream)result.Stream, await _server.AcceptSocketAsync(Token));
    }

    private static async Task<int> ReadAllAsync(Socket socket, byte[] into)
    {
        int read = 0;
        while (read < into.Length && await socket.ReceiveAsync(into.AsMemory(read), Token) is > 0 and var count) read += count;
        return read;
    }
}
