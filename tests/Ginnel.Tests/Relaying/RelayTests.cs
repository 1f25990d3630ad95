using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Ginnel.Tests;

public sealed class RelayTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Bytes_and_half_close_travel_both_ways()
    {
        await using GatewayNetwork network = new();
        (TcpStream guest, TcpStream world) = await network.ConnectAsync();
        byte[] request = RandomNumberGenerator.GetBytes(3 << 20);
        Task write = Task.Run(async () =>
        {
            await guest.WriteAsync(request, Token);
            await guest.CompleteWritesAsync(Token);
        }, Token);
        using MemoryStream received = new();
        await world.CopyToAsync(received, Token);
        await write;
        Assert.True(request.AsSpan().SequenceEqual(received.ToArray()));
        byte[] answer = RandomNumberGenerator.GetBytes(1 << 20);
        Task answering = Task.Run(async () =>
        {
            await world.WriteAsync(answer, Token);
            await world.DisposeAsync();
        }, Token);
        using MemoryStream answered = new();
        await guest.CopyToAsync(answered, Token);
        await answering;
        Assert.True(answer.AsSpan().SequenceEqual(answered.ToArray()));
    }

    [Fact]
    public async Task Refused_upstream_is_refused_at_the_source()
    {
        await using GatewayNetwork network = new();
        SocketException exception = await Assert.ThrowsAnyAsync<SocketException>(async () => await network.Guest.ConnectAsync(GatewayNetwork.WorldEnd(81), Token));
        Assert.Equal(SocketError.ConnectionRefused, exception.SocketErrorCode);
        // The refusal is told first and counted after it.
        while (network.Relay.Flows.FailedCount == 0) await Task.Yield();
        Assert.Equal(1, network.Relay.Flows.FailedCount);
    }

    [Theory]
    [InlineData(DialFailureKind.HostUnreachable, SocketError.HostUnreachable)]
    [InlineData(DialFailureKind.NetworkUnreachable, SocketError.NetworkUnreachable)]
    [InlineData(DialFailureKind.Denied, SocketError.AccessDenied)]
    [InlineData(DialFailureKind.TimedOut, SocketError.HostUnreachable)]
    [InlineData(DialFailureKind.NameNotFound, SocketError.HostUnreachable)]
    [InlineData(DialFailureKind.Reset, SocketError.ConnectionRefused)]
    public async Task Each_failure_of_a_dial_is_seen_at_the_source(DialFailureKind kind, SocketError seen)
    {
        await using GatewayNetwork network = new(dialer: new FailingDialer(kind));
        SocketException exception = await Assert.ThrowsAnyAsync<SocketException>(async () => await network.Guest.ConnectAsync(GatewayNetwork.WorldEnd(80), Token));
        Assert.Equal(seen, exception.SocketErrorCode);
    }

    [Fact]
    public async Task A_reset_travels_in_both_directions()
    {
        await using GatewayNetwork network = new();
        (TcpStream guest, TcpStream world) = await network.ConnectAsync();
        world.Abort();
        IOException atGuest = await Assert.ThrowsAsync<IOException>(async () => await guest.ReadExactlyAsync(new byte[1], Token));
        Assert.Equal(SocketError.ConnectionReset, ((SocketException)atGuest.InnerException!).SocketErrorCode);
        (guest, world) = await network.ConnectAsync(82);
        guest.Abort();
        IOException atWorld = await Assert.ThrowsAsync<IOException>(async () => await world.ReadExactlyAsync(new byte[1], Token));
        Assert.Equal(SocketError.ConnectionReset, ((SocketException)atWorld.InnerException!).SocketErrorCode);
    }

    [Fact]
    public async Task A_slow_reader_stops_the_sender_and_no_buffer_grows()
    {
        await using GatewayNetwork network = new();
        (TcpStream guest, TcpStream world) = await network.ConnectAsync();
        byte[] chunk = new byte[1 << 20];
        long sent = 0;
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task writing = Task.Run(async () =>
        {
            while (true)
            {
                await guest.WriteAsync(chunk, stop.Token);
                Interlocked.Add(ref sent, chunk.Length);
            }
        }, Token);
        Flow flow = await FirstFlowAsync(network);
        // Stopped: bytes are in hand and none has moved for many turns of everybody.
        long carried = -1;
        for (int still = 0; still < 10_000; still = flow.UpActivity == FlowActivity.Carrying && carried > 0 && flow.BytesUp == carried ? still + 1 : 0)
        {
            carried = flow.BytesUp;
            await Task.Yield();
        }
        Assert.InRange(carried, 1, 16 << 20);
        Assert.InRange(Volatile.Read(ref sent), 0, 16 << 20);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing);
        Assert.False(world.Info == default);
    }

    [Fact]
    public async Task Datagrams_of_one_source_reach_all_targets_by_one_port()
    {
        await using GatewayNetwork network = new();
        await using IDatagramPort first = network.World.BindUdp(GatewayNetwork.WorldEnd(53));
        await using IDatagramPort second = network.World.BindUdp(GatewayNetwork.WorldEnd(54));
        await using IDatagramPort guest = network.Guest.BindUdp(new IPEndPoint(IPAddress.Any, 0));
        byte[] buffer = new byte[100];
        await guest.SendAsync("a"u8.ToArray(), GatewayNetwork.WorldEnd(53), Token);
        DatagramItem atFirst = await first.ReceiveAsync(buffer, Token);
        await guest.SendAsync("b"u8.ToArray(), GatewayNetwork.WorldEnd(54), Token);
        DatagramItem atSecond = await second.ReceiveAsync(buffer, Token);
        Assert.Equal(atFirst.Remote, atSecond.Remote);
        await second.SendAsync("answer"u8.ToArray(), atSecond.Remote, Token);
        DatagramItem answer = await guest.ReceiveAsync(buffer, Token);
        Assert.Equal((6, GatewayNetwork.WorldEnd(54)), (answer.Length, answer.Remote));
        await guest.SendAsync("c"u8.ToArray(), GatewayNetwork.WorldEnd(55), Token);
        DatagramItem refused = await guest.ReceiveAsync(buffer, Token);
        Assert.Equal((DialFailureKind.Refused, GatewayNetwork.WorldEnd(55)), (refused.Failure.Kind, refused.Remote));
        Assert.Equal(1, network.Datagrams.Flows.LiveCount);
    }

    [Fact]
    public async Task I4_only_who_was_asked_may_answer()
    {
        await using GatewayNetwork network = new();
        await using IDatagramPort asked = network.World.BindUdp(GatewayNetwork.WorldEnd(53));
        await using IDatagramPort other = network.World.BindUdp(GatewayNetwork.WorldEnd(54));
        await using IDatagramPort stranger = network.World.BindUdp(GatewayNetwork.OtherEnd(53));
        await using IDatagramPort guest = network.Guest.BindUdp(new IPEndPoint(IPAddress.Any, 0));
        byte[] buffer = new byte[100];
        await guest.SendAsync("a"u8.ToArray(), GatewayNetwork.WorldEnd(53), Token);
        IPEndPoint mapped = (await asked.ReceiveAsync(buffer, Token)).Remote;
        await stranger.SendAsync("hello"u8.ToArray(), mapped, Token);
        // Another port of the same address may: a server that answers from where it was not asked (TFTP).
        await other.SendAsync("other"u8.ToArray(), mapped, Token);
        DatagramItem answer = await guest.ReceiveAsync(buffer, Token);
        Assert.Equal(GatewayNetwork.WorldEnd(54), answer.Remote);
        Assert.Equal(1, network.Datagrams.StrangerCount);
    }

    [Fact]
    public async Task Strangers_may_answer_where_that_is_allowed()
    {
        await using GatewayNetwork network = new(new RelayOptions { AdmitStrangers = true });
        await using IDatagramPort asked = network.World.BindUdp(GatewayNetwork.WorldEnd(53));
        await using IDatagramPort stranger = network.World.BindUdp(GatewayNetwork.OtherEnd(53));
        await using IDatagramPort guest = network.Guest.BindUdp(new IPEndPoint(IPAddress.Any, 0));
        byte[] buffer = new byte[100];
        await guest.SendAsync("a"u8.ToArray(), GatewayNetwork.WorldEnd(53), Token);
        await stranger.SendAsync("hello"u8.ToArray(), (await asked.ReceiveAsync(buffer, Token)).Remote, Token);
        Assert.Equal(GatewayNetwork.OtherEnd(53), (await guest.ReceiveAsync(buffer, Token)).Remote);
    }

    [Fact]
    public async Task The_oldest_target_is_forgotten_first()
    {
        await using GatewayNetwork network = new(new RelayOptions { MaxTargetsPerPort = 1 });
        await using IDatagramPort first = network.World.BindUdp(GatewayNetwork.WorldEnd(53));
        await using IDatagramPort second = network.World.BindUdp(GatewayNetwork.OtherEnd(53));
        await using IDatagramPort guest = network.Guest.BindUdp(new IPEndPoint(IPAddress.Any, 0));
        byte[] buffer = new byte[100];
        await guest.SendAsync("a"u8.ToArray(), GatewayNetwork.WorldEnd(53), Token);
        IPEndPoint mapped = (await first.ReceiveAsync(buffer, Token)).Remote;
        await guest.SendAsync("b"u8.ToArray(), GatewayNetwork.OtherEnd(53), Token);
        await second.ReceiveAsync(buffer, Token);
        await first.SendAsync("late"u8.ToArray(), mapped, Token);
        await second.SendAsync("in time"u8.ToArray(), mapped, Token);
        Assert.Equal(7, (await guest.ReceiveAsync(buffer, Token)).Length);
        Assert.Equal(1, network.Datagrams.StrangerCount);
    }

    [Fact]
    public async Task Echo_goes_through_with_sequence_and_payload()
    {
        await using GatewayNetwork network = new();
        await using IDatagramPort guest = network.Guest.BindEcho(new IPEndPoint(IPAddress.Any, 0));
        await guest.SendAsync(new byte[] { 0, 9, 1, 2 }, GatewayNetwork.WorldEnd(0), Token);
        byte[] buffer = new byte[100];
        DatagramItem reply = await guest.ReceiveAsync(buffer, Token);
        Assert.Equal(new byte[] { 0, 9, 1, 2 }, buffer[..reply.Length]);
        Assert.Equal(GatewayNetwork.WorldEnd(0).Address, reply.Remote.Address);
    }

    [Fact]
    public async Task A_flow_is_listed_with_its_bytes_and_ends_by_its_number()
    {
        await using GatewayNetwork network = new();
        (TcpStream guest, TcpStream world) = await network.ConnectAsync();
        await guest.WriteAsync(new byte[100], Token);
        await world.ReadExactlyAsync(new byte[100], Token);
        Flow flow = Assert.Single(network.Relay.Flows.Live);
        // They are counted when they have been given, by when they may have been read.
        while (flow.BytesUp < 100) await Task.Yield();
        Assert.Equal((100L, 0L), (flow.BytesUp, flow.BytesDown));
        Assert.Equal(GatewayNetwork.WorldEnd(80), flow.Info.Destination);
        Assert.True(network.Relay.Flows.TryEnd(flow.Id, "by hand"));
        await Assert.ThrowsAsync<IOException>(async () => await guest.ReadExactlyAsync(new byte[1], Token));
        await Assert.ThrowsAsync<IOException>(async () => await world.ReadExactlyAsync(new byte[1], Token));
    }

    private static async Task<Flow> FirstFlowAsync(GatewayNetwork network)
    {
        while (network.Relay.Flows.LiveCount == 0) await Task.Yield();
        return network.Relay.Flows.Live.First();
    }

    private sealed class FailingDialer(DialFailureKind kind) : IDialer
    {
        public ValueTask<DialResult> DialAsync(EndPoint target, FlowInfo flow, CancellationToken cancellationToken = default) => new(DialResult.Failed(kind));
        public ValueTask<BindResult> BindAsync(FlowInfo flow, CancellationToken cancellationToken = default) => new(BindResult.Failed(kind));
    }
}
