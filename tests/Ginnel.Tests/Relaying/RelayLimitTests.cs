using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Ginnel.Testing;

namespace Ginnel.Tests;

public sealed class RelayLimitTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_source_that_gives_up_cancels_the_dial()
    {
        WaitingDialer dialer = new();
        await using GatewayNetwork network = new(dialer: dialer);
        using CancellationTokenSource source = new();
        ValueTask<TcpStream> connecting = network.Guest.ConnectAsync(GatewayNetwork.WorldEnd(80), source.Token);
        CancellationToken dial = await dialer.Dialling.WaitAsync(Token);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await connecting);
        TaskCompletionSource cancelled = new();
        await using CancellationTokenRegistration registration = dial.Register(cancelled.SetResult);
        await cancelled.Task.WaitAsync(Token);
    }

    [Fact]
    public async Task A_dial_that_takes_too_long_is_told_as_an_unreachable_host()
    {
        SimulatedTime time = new();
        WaitingDialer dialer = new();
        await using GatewayNetwork network = new(new RelayOptions { Time = time, DialTimeout = TimeSpan.FromSeconds(15) }, dialer);
        ValueTask<TcpStream> connecting = network.Guest.ConnectAsync(GatewayNetwork.WorldEnd(80), Token);
        await dialer.Dialling.WaitAsync(Token);
        time.Advance(TimeSpan.FromSeconds(15));
        SocketException exception = await Assert.ThrowsAnyAsync<SocketException>(async () => await connecting);
        Assert.Equal(SocketError.HostUnreachable, exception.SocketErrorCode);
    }

    [Fact]
    public async Task Over_the_limit_of_dials_a_connection_hears_nothing_and_gets_in_later()
    {
        WaitingDialer dialer = new();
        await using GatewayNetwork network = new(new RelayOptions { MaxPendingDials = 1 }, dialer);
        ValueTask<TcpStream> first = network.Guest.ConnectAsync(GatewayNetwork.WorldEnd(80), Token);
        await dialer.Dialling.WaitAsync(Token);
        ValueTask<TcpStream> second = network.Guest.ConnectAsync(GatewayNetwork.WorldEnd(80), Token);
        while (network.Relay.LimitedCount == 0) await Task.Yield();
        Assert.False(second.IsCompleted);
        dialer.Decide(DialFailureKind.Refused);
        await Assert.ThrowsAnyAsync<SocketException>(async () => await first);
        // The first is told before its place is free again.
        while (network.Relay.Flows.FailedCount == 0) await Task.Yield();
        while (!second.IsCompleted)
        {
            network.Inside.Time.Advance(TimeSpan.FromMilliseconds(200));
            // Virtual time must not run away from threads that have to act in between.
            for (int i = 0; i < 100 && !second.IsCompleted; i++) await Task.Yield();
        }
        SocketException exception = await Assert.ThrowsAnyAsync<SocketException>(async () => await second);
        Assert.Equal(SocketError.ConnectionRefused, exception.SocketErrorCode);
    }

    [Fact]
    public async Task An_idle_port_is_closed_and_a_busy_one_is_not()
    {
        SimulatedTime time = new();
        FlowLog log = new();
        RelayOptions options = new() { Time = time, Flows = new FlowRegistry(time), PortIdleTimeout = TimeSpan.FromSeconds(60) };
        using IDisposable observing = options.Flows.Observe(log);
        await using GatewayNetwork network = new(options);
        await using IDatagramPort world = network.World.BindUdp(GatewayNetwork.WorldEnd(53));
        await using IDatagramPort guest = network.Guest.BindUdp(new IPEndPoint(IPAddress.Any, 0));
        for (int i = 0; i < 3; i++)
        {
            await guest.SendAsync(new byte[1], GatewayNetwork.WorldEnd(53), Token);
            await world.ReceiveAsync(new byte[1], Token);
            while (options.Flows.Live.Single().BytesUp != i + 1) await Task.Yield();
            time.Advance(TimeSpan.FromSeconds(50));
        }
        Assert.Equal(1, options.Flows.LiveCount);
        // Observers are told after it has left the list.
        while (log.Ended.IsEmpty)
        {
            time.Advance(TimeSpan.FromSeconds(10));
            await Task.Yield();
        }
        Assert.Equal(0, options.Flows.LiveCount);
        Flow ended = Assert.Single(log.Ended);
        Assert.Equal((FlowEndKind.Idle, 3L), (ended.End.Kind, ended.BytesUp));
        Assert.Same(ended, Assert.Single(log.Started));
    }

    [Fact]
    public async Task Each_new_target_of_a_port_is_judged_once()
    {
        CountingJudge judge = new();
        await using GatewayNetwork network = new(new RelayOptions { Judge = judge });
        await using IDatagramPort world = network.World.BindUdp(GatewayNetwork.WorldEnd(53));
        await using IDatagramPort guest = network.Guest.BindUdp(new IPEndPoint(IPAddress.Any, 0));
        for (int i = 0; i < 3; i++)
        {
            await guest.SendAsync(new byte[1], GatewayNetwork.WorldEnd(53), Token);
            await world.ReceiveAsync(new byte[1], Token);
        }
        await guest.SendAsync(new byte[1], GatewayNetwork.WorldEnd(54), Token);
        DatagramItem item = await guest.ReceiveAsync(new byte[1], Token);
        Assert.Equal((DialFailureKind.Denied, GatewayNetwork.WorldEnd(54)), (item.Failure.Kind, item.Remote));
        Assert.Equal([53, 54], judge.Ports);
    }

    private sealed class WaitingDialer : IDialer
    {
        private readonly TaskCompletionSource<CancellationToken> _dialling = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource<DialResult> _decision = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal Task<CancellationToken> Dialling => _dialling.Task;

        internal void Decide(DialFailureKind kind) => _decision.SetResult(DialResult.Failed(kind));

        public async ValueTask<DialResult> DialAsync(EndPoint target, FlowInfo flow, CancellationToken cancellationToken = default)
        {
            _dialling.TrySetResult(cancellationToken);
            return await _decision.Task.WaitAsync(cancellationToken);
        }

        public ValueTask<BindResult> BindAsync(FlowInfo flow, CancellationToken cancellationToken = default) => new(BindResult.Failed(DialFailureKind.Unsupported));
    }

    private sealed class CountingJudge : IDatagramJudge
    {
        internal List<int> Ports { get; } = [];

        public DialFailure Judge(FlowInfo flow, IPEndPoint target)
        {
            Ports.Add(target.Port);
            return target.Port == 53 ? default : new DialFailure(DialFailureKind.Denied, "only 53");
        }
    }

    private sealed class FlowLog : IFlowObserver
    {
        internal ConcurrentQueue<Flow> Started { get; } = [];
        internal ConcurrentQueue<Flow> Ended { get; } = [];

        void IFlowObserver.Started(Flow flow) => Started.Enqueue(flow);
        void IFlowObserver.Ended(Flow flow) => Ended.Enqueue(flow);
    }
}
