using System.Net;

namespace Ginnel.Proxy.Tests;

/// <summary>Turns: which target a connection goes to, and which failures pass it on.</summary>
public sealed class RuleDialerTests
{
    private static readonly FlowInfo Flow = new() { Protocol = FlowProtocol.Tcp };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Ten_connections_over_two_targets_are_five_and_five_and_the_second_is_first()
    {
        Recorder next = new(_ => DialFailureKind.Denied);
        RuleDialer dialer = new(next, TimeProvider.System) { Rules = [RuleSetTests.Rule("tcp:1:a:1"), RuleSetTests.Rule("tcp:1:b:1")] };
        for (int i = 0; i < 10; i++) await dialer.DialAsync(new DnsEndPoint("x", 1), Flow, Token);
        Assert.Equal(["b", "a", "b", "a", "b", "a", "b", "a", "b", "a"], next.Asked);
    }

    [Theory]
    [InlineData(DialFailureKind.Refused, 3)]
    [InlineData(DialFailureKind.HostUnreachable, 3)]
    [InlineData(DialFailureKind.TimedOut, 3)]
    [InlineData(DialFailureKind.NameNotFound, 3)]
    [InlineData(DialFailureKind.Denied, 1)]
    [InlineData(DialFailureKind.Limit, 1)]
    public async Task A_target_that_cannot_be_reached_is_passed_over_and_other_failures_are_not(DialFailureKind kind, int asked)
    {
        Recorder next = new(_ => kind);
        RuleDialer dialer = new(next, TimeProvider.System) { Rules = [RuleSetTests.Rule("tcp:1:a:1"), RuleSetTests.Rule("tcp:1:b:1"), RuleSetTests.Rule("tcp:1:c:1")] };
        DialResult result = await dialer.DialAsync(new DnsEndPoint("x", 1), Flow, Token);
        Assert.Equal((kind, asked), (result.Failure.Kind, next.Asked.Count));
    }

    [Fact]
    public async Task Without_a_rule_everything_is_refused()
    {
        RuleDialer dialer = new(new Recorder(_ => DialFailureKind.Denied), TimeProvider.System);
        Assert.Equal(DialFailureKind.Refused, (await dialer.DialAsync(new DnsEndPoint("x", 1), Flow, Token)).Failure.Kind);
        Assert.Null(dialer.NextTarget());
    }

    private sealed class Recorder(Func<string, DialFailureKind> answer) : IDialer
    {
        public List<string> Asked { get; } = [];

        public ValueTask<DialResult> DialAsync(EndPoint target, FlowInfo flow, CancellationToken cancellationToken = default)
        {
            string name = ((DnsEndPoint)target).Host;
            Asked.Add(name);
            return new(DialResult.Failed(answer(name)));
        }

        public ValueTask<BindResult> BindAsync(FlowInfo flow, CancellationToken cancellationToken = default) => throw new NotSupportedException();
    }
}
