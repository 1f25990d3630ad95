using System.Net;

namespace Ginnel.Tests;

public sealed class PortTargetsTests
{
    private static readonly FlowInfo Flow = new() { Protocol = FlowProtocol.Udp };

    [Fact]
    public void Only_the_address_of_a_target_may_answer_and_only_while_it_is_remembered()
    {
        PortTargets targets = new(Flow, new RelayOptions { MaxTargetsPerPort = 2 });
        Assert.False(targets.MayAnswer(IPAddress.Parse("192.0.2.1")));
        targets.Judge(IPEndPoint.Parse("192.0.2.1:53"));
        targets.Judge(IPEndPoint.Parse("192.0.2.1:53"));
        targets.Judge(IPEndPoint.Parse("192.0.2.1:54"));
        Assert.True(targets.MayAnswer(IPAddress.Parse("192.0.2.1")));
        targets.Judge(IPEndPoint.Parse("192.0.2.2:53"));
        Assert.True(targets.MayAnswer(IPAddress.Parse("192.0.2.1")));
        targets.Judge(IPEndPoint.Parse("192.0.2.3:53"));
        Assert.False(targets.MayAnswer(IPAddress.Parse("192.0.2.1")));
    }

    [Fact]
    public void A_target_that_was_refused_may_not_answer()
    {
        PortTargets targets = new(Flow, new RelayOptions { Judge = new Refusing() });
        Assert.Equal(DialFailureKind.Denied, targets.Judge(IPEndPoint.Parse("192.0.2.1:53")).Kind);
        Assert.False(targets.MayAnswer(IPAddress.Parse("192.0.2.1")));
    }

    [Theory]
    [InlineData("239.255.255.250")]
    [InlineData("255.255.255.255")]
    [InlineData("ff02::c")]
    public void Who_asks_a_group_is_answered_by_whoever_is_in_it(string group)
    {
        PortTargets targets = new(Flow, new RelayOptions());
        targets.Judge(new IPEndPoint(IPAddress.Parse(group), 1900));
        Assert.True(targets.MayAnswer(IPAddress.Parse("192.0.2.1")));
        Assert.False(targets.HasSentTo(IPAddress.Parse("192.0.2.1")));
    }

    private sealed class Refusing : IDatagramJudge
    {
        public DialFailure Judge(FlowInfo flow, IPEndPoint target) => new(DialFailureKind.Denied);
    }
}
