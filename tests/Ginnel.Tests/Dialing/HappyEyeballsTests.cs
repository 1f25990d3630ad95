using System.Net;
using Ginnel.Testing;

namespace Ginnel.Tests;

public sealed class HappyEyeballsTests
{
    private static readonly IPAddress Six = IPAddress.Parse("2001:db8::1");
    private static readonly IPAddress OtherSix = IPAddress.Parse("2001:db8::2");
    private static readonly IPAddress Four = IPAddress.Parse("192.0.2.1");

    [Fact]
    public async Task A_silent_family_costs_a_quarter_of_a_second()
    {
        SimulatedTime time = new();
        List<IPAddress> tried = [];
        Task<DialResult> dialling = HappyEyeballs.DialAsync([Six, OtherSix, Four], 80, (endPoint, token) =>
        {
            tried.Add(endPoint.Address);
            return endPoint.Address.Equals(Four) ? new(DialResult.Connected(new NullStream())) : Never(token);
        }, time, TestContext.Current.CancellationToken).AsTask();
        Assert.Equal([Six], tried);
        time.Advance(TimeSpan.FromMilliseconds(249));
        Assert.Equal([Six], tried);
        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True((await dialling).IsConnected);
        Assert.Equal([Six, Four], tried);
    }

    [Fact]
    public async Task A_failure_starts_the_next_at_once_and_the_first_failure_is_told()
    {
        int dials = 0;
        DialResult result = await HappyEyeballs.DialAsync([Six, Four], 80,
            (_, _) => new(DialResult.Failed(dials++ == 0 ? DialFailureKind.Refused : DialFailureKind.TimedOut)),
            new SimulatedTime(), TestContext.Current.CancellationToken);
        Assert.Equal((2, DialFailureKind.Refused), (dials, result.Failure.Kind));
    }

    [Fact]
    public async Task One_that_connects_too_late_is_closed()
    {
        SimulatedTime time = new();
        NullStream late = new();
        TaskCompletionSource<DialResult> slow = new();
        Task<DialResult> dialling = HappyEyeballs.DialAsync([Six, Four], 80,
            (endPoint, _) => endPoint.Address.Equals(Six) ? new(slow.Task) : new(DialResult.Connected(new NullStream())),
            time, TestContext.Current.CancellationToken).AsTask();
        time.Advance(TimeSpan.FromMilliseconds(250));
        Assert.True((await dialling).IsConnected);
        slow.SetResult(DialResult.Connected(late));
        Assert.True(late.IsAborted);
    }

    private static async ValueTask<DialResult> Never(CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.Infinite, cancellationToken);
        return default;
    }

    private sealed class NullStream : DuplexStream
    {
        internal bool IsAborted { get; private set; }

        public override EndPoint? LocalEndPoint => null;
        public override EndPoint? RemoteEndPoint => null;
        public override ValueTask CompleteWritesAsync(CancellationToken cancellationToken = default) => default;
        public override void Abort() => IsAborted = true;
        public override int Read(byte[] buffer, int offset, int count) => 0;
        public override void Write(byte[] buffer, int offset, int count) { }
    }
}
