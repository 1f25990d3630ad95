using System.Net;
using System.Threading.Channels;
using Ginnel.Testing;

namespace Ginnel.Tests;

/// <summary>How a relayed connection ends: what was taken is delivered or seen to be lost, and nothing waits for ever.</summary>
public sealed class EndingTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Who_was_given_the_end_is_closed_and_not_reset_when_the_relay_stops()
    {
        ScriptedStream target = new();
        ScriptedDialer dialer = new(target);
        await using (GatewayNetwork network = new(dialer: dialer))
        {
            TcpStream guest = await network.Guest.ConnectAsync(GatewayNetwork.WorldEnd(80), Token);
            await guest.WriteAsync("last words"u8.ToArray(), Token);
            await guest.CompleteWritesAsync(Token);
            await target.Completed.WaitAsync(Token);
            Flow flow = Assert.Single(network.Relay.Flows.Live);
            while (flow.UpActivity != FlowActivity.Ended || flow.DownActivity != FlowActivity.Waiting) await Task.Yield();
        }
        Assert.True(target.IsDisposed);
        Assert.False(target.IsAborted);
    }

    [Fact]
    public async Task Who_was_not_given_the_end_is_reset_when_the_relay_stops()
    {
        ScriptedStream target = new();
        await using (GatewayNetwork network = new(dialer: new ScriptedDialer(target)))
        {
            await network.Guest.ConnectAsync(GatewayNetwork.WorldEnd(80), Token);
            while (network.Relay.Flows.LiveCount == 0) await Task.Yield();
        }
        Assert.True(target.IsAborted);
    }

    [Fact]
    public async Task What_was_taken_and_not_given_is_seen()
    {
        ScriptedStream target = new() { Hold = new TaskCompletionSource() };
        await using GatewayNetwork network = new(dialer: new ScriptedDialer(target));
        TcpStream guest = await network.Guest.ConnectAsync(GatewayNetwork.WorldEnd(80), Token);
        while (network.Relay.Flows.LiveCount == 0) await Task.Yield();
        Flow flow = network.Relay.Flows.Live.Single();
        while (flow.UpActivity != FlowActivity.Waiting) await Task.Yield();
        await guest.WriteAsync(new byte[10], Token);
        while (flow.UpActivity != FlowActivity.Carrying) await Task.Yield();
        Assert.Equal(0, flow.BytesUp);
        target.Hold.SetResult();
        while (flow.UpActivity != FlowActivity.Waiting) await Task.Yield();
        Assert.Equal(10, flow.BytesUp);
    }

    [Fact]
    public async Task A_target_that_stops_reading_may_still_answer()
    {
        SimulatedTime time = new();
        ScriptedStream target = new() { BreaksOnWrite = true };
        await using GatewayNetwork network = new(Options(time), new ScriptedDialer(target));
        TcpStream guest = await network.Guest.ConnectAsync(GatewayNetwork.WorldEnd(80), Token);
        await guest.WriteAsync(new byte[10], Token);
        await target.Broken.WaitAsync(Token);
        time.Advance(RelayedConnection.LastWordsPatience - TimeSpan.FromSeconds(1));
        target.Say("413"u8.ToArray());
        byte[] answer = new byte[3];
        await guest.ReadExactlyAsync(answer, Token);
        Assert.Equal("413"u8.ToArray(), answer);
        target.Say([]);
        while (network.Relay.Flows.LiveCount > 0) await Task.Yield();
    }

    [Fact]
    public async Task A_target_that_neither_reads_nor_speaks_is_given_up()
    {
        SimulatedTime time = new();
        ScriptedStream target = new() { BreaksOnWrite = true };
        await using GatewayNetwork network = new(Options(time), new ScriptedDialer(target));
        TcpStream guest = await network.Guest.ConnectAsync(GatewayNetwork.WorldEnd(80), Token);
        await guest.WriteAsync(new byte[10], Token);
        await target.Broken.WaitAsync(Token);
        while (!target.IsAborted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        await Assert.ThrowsAsync<IOException>(async () => await guest.ReadExactlyAsync(new byte[1], Token));
    }

    [Fact]
    public async Task A_stream_that_fails_while_it_is_reset_ends_its_flow_all_the_same()
    {
        ScriptedStream target = new() { FailsToEnd = true };
        await using GatewayNetwork network = new(dialer: new ScriptedDialer(target));
        TcpStream guest = await network.Guest.ConnectAsync(GatewayNetwork.WorldEnd(80), Token);
        target.Break();
        await Assert.ThrowsAsync<IOException>(async () => await guest.ReadExactlyAsync(new byte[1], Token));
        while (network.Relay.Flows.EndedCount == 0) await Task.Yield();
        Assert.Equal((0, true, true), (network.Relay.Flows.LiveCount, target.IsAborted, target.IsDisposed));
    }

    [Fact]
    public async Task A_stream_that_fails_while_the_relay_stops_holds_up_nobody()
    {
        ScriptedStream target = new() { FailsToEnd = true };
        await using (GatewayNetwork network = new(dialer: new ScriptedDialer(target)))
        {
            await network.Guest.ConnectAsync(GatewayNetwork.WorldEnd(80), Token);
            while (network.Relay.Flows.LiveCount == 0) await Task.Yield();
        }
        Assert.True(target.IsDisposed);
    }

    [Fact]
    public async Task A_client_that_fails_while_it_is_disposed_of_leaves_no_target_open()
    {
        ScriptedStream client = new() { FailsToEnd = true }, target = new() { FailsToEnd = true };
        FlowRegistry registry = new(TimeProvider.System);
        FlowSet flows = new(registry, TimeProvider.System, Timeout.InfiniteTimeSpan);
        Flow flow = flows.Begin(new FlowInfo { Protocol = FlowProtocol.Tcp });
        registry.Start(flow);
        new RelayedConnection(flow, client, target, flows).Start();
        client.Say([]);
        target.Say([]);
        while (flows.Count > 0) await Task.Yield();
        Assert.Equal((true, true), (client.IsDisposed, target.IsDisposed));
        Assert.Equal(FlowEndKind.DialFailed, flow.End.Kind);
    }

    private static RelayOptions Options(TimeProvider time) => new() { Time = time, Flows = new FlowRegistry(time) };

    private sealed class ScriptedDialer(DuplexStream stream) : IDialer
    {
        public ValueTask<DialResult> DialAsync(EndPoint target, FlowInfo flow, CancellationToken cancellationToken = default) =>
            new(DialResult.Connected(stream));

        public ValueTask<BindResult> BindAsync(FlowInfo flow, CancellationToken cancellationToken = default) =>
            new(BindResult.Failed(DialFailureKind.Unsupported));
    }

    /// <summary>A target whose every move the test decides.</summary>
    private sealed class ScriptedStream : DuplexStream
    {
        private readonly Channel<byte[]> _said = Channel.CreateUnbounded<byte[]>();
        private readonly TaskCompletionSource _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _broken = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool BreaksOnWrite { get; init; }
        public TaskCompletionSource? Hold { get; init; }
        public bool FailsToEnd { get; init; }
        public bool IsAborted { get; private set; }
        public bool IsDisposed { get; private set; }
        public Task Completed => _completed.Task;
        public Task Broken => _broken.Task;
        public override EndPoint? LocalEndPoint => null;
        public override EndPoint? RemoteEndPoint => null;

        /// <summary>Has the target send something; nothing at all is its end of stream.</summary>
        public void Say(byte[] bytes) => _said.Writer.TryWrite(bytes);

        /// <summary>Has a read end with an error.</summary>
        public void Break() => _said.Writer.TryComplete();

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (!await _said.Reader.WaitToReadAsync(cancellationToken)) throw new IOException("reset");
            if (buffer.IsEmpty) return 0;
            byte[] said = await _said.Reader.ReadAsync(cancellationToken);
            said.CopyTo(buffer);
            return said.Length;
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (BreaksOnWrite)
            {
                _broken.TrySetResult();
                throw new IOException("broken pipe");
            }
            if (Hold is not null) await Hold.Task.WaitAsync(cancellationToken);
        }

        public override ValueTask CompleteWritesAsync(CancellationToken cancellationToken = default)
        {
            _completed.TrySetResult();
            return default;
        }

        public override void Abort()
        {
            IsAborted = true;
            _said.Writer.TryComplete();
            if (FailsToEnd) throw new InvalidOperationException("a foreign stream's fault");
        }

        protected override void Dispose(bool disposing)
        {
            IsDisposed = true;
            _said.Writer.TryComplete();
            base.Dispose(disposing);
            if (FailsToEnd) throw new InvalidOperationException("a foreign stream's fault");
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
