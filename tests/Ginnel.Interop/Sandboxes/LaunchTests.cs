using Ginnel.Sandbox;

namespace Ginnel.Interop.Sandboxes;

/// <summary>Every way of launching, for everyone who may be there: the same network inside, the same identity, the same end.</summary>
public sealed class LaunchTests
{
    public static TheoryData<Who, DeviceChoice> Ways => new()
    {
        { Who.Root, DeviceChoice.DirectTun },
        { Who.Root, DeviceChoice.DirectPacket },
        { Who.Root, DeviceChoice.ShellTun },
        { Who.Root, DeviceChoice.VerbTun },
        { Who.Root, DeviceChoice.VerbPacket },
        { Who.UserWithTun, DeviceChoice.ShellTun },
        { Who.UserWithTun, DeviceChoice.VerbTun },
        { Who.UserWithoutTun, DeviceChoice.VerbPacket },
    };

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task TheNetworkInsideIsThePlannedOne(Who who, DeviceChoice way)
    {
        Caller.RequireRoot();
        Outcome outcome = await Caller.RunAsync(who, [.. Caller.Driver(way, "--mtu", "9000"), "sh", "-c",
            "ip -o addr show dev ginnel0; ip -o link; ip route; ip -6 route; cat /etc/resolv.conf; exit 7"]);
        Assert.Equal("", outcome.Errors);
        Assert.Equal(7, outcome.ExitCode);
        Assert.Contains("inet 10.0.2.100/24", outcome.Output);
        Assert.Contains("inet6 fd00:2::64/64", outcome.Output);
        Assert.DoesNotContain("fe80", outcome.Output);
        Assert.Contains("mtu 9000", outcome.Output);
        Assert.Contains("default via 10.0.2.2 dev ginnel0", outcome.Output);
        Assert.Contains("default via fd00:2::2 dev ginnel0", outcome.Output);
        Assert.Contains("nameserver 10.0.2.3", outcome.Output);
        Assert.Equal(2, outcome.Output.Split('\n').Count(line => line.Contains("mtu", StringComparison.Ordinal) && line.Contains("link/", StringComparison.Ordinal)));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task TheUserStaysAndHoldsNoCapabilities(Who who, DeviceChoice way)
    {
        Caller.RequireRoot();
        string[] look = ["sh", "-c", "id -u; id -g; grep -E '^Cap(Inh|Prm|Eff|Amb)' /proc/self/status"];
        Outcome bare = await Caller.RunAsync(who, look);
        Outcome inside = await Caller.RunAsync(who, [.. Caller.Driver(way), .. look]);
        Assert.Equal(bare, inside);
    }

    [Theory]
    [InlineData(Who.UserWithTun)]
    [InlineData(Who.UserWithoutTun)]
    public async Task WithRootTheUserIsZeroInside(Who who)
    {
        Caller.RequireRoot();
        Outcome outcome = await Caller.RunAsync(who, [.. Caller.Driver("--root", "--describe"), "sh", "-c", "id -u; ip addr add 10.9.9.9/32 dev lo && echo may"]);
        Assert.Equal("0\nmay\n", outcome.Output);
        Assert.Contains(nameof(IdentityMapping.RootAlone), outcome.Errors);
    }

    [Theory]
    [InlineData(Who.Root, DeviceChoice.DirectTun)]
    [InlineData(Who.UserWithTun, DeviceChoice.ShellTun)]
    [InlineData(Who.UserWithoutTun, DeviceChoice.VerbPacket)]
    public async Task TheQuickestPossibleWayIsTaken(Who who, DeviceChoice expected)
    {
        Caller.RequireRoot();
        Outcome outcome = await Caller.RunAsync(who, [.. Caller.Driver("--describe"), "true"]);
        Assert.Contains($"way {expected}", outcome.Errors);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task WithoutIpv6ThereIsNone(Who who, DeviceChoice way)
    {
        Caller.RequireRoot();
        Outcome outcome = await Caller.RunAsync(who, [.. Caller.Driver(way, "--no-ipv6"), "sh", "-c", "ip -6 -o addr show dev ginnel0; ip -6 route"]);
        Assert.Equal(new Outcome(0, "", ""), outcome);
    }

    [Fact]
    public async Task RootKeepsTheWholeRangeOfIds()
    {
        Caller.RequireRoot();
        Outcome outcome = await Caller.RunAsync(Who.Root, [.. Caller.Driver(), "setpriv", "--reuid", "12345", "--regid", "23456", "--clear-groups", "id", "-u"]);
        Assert.Equal(new Outcome(0, "12345\n", ""), outcome);
    }

    [Theory]
    [InlineData("no-such-program-anywhere", 127)]
    [InlineData("/no/such/program", 127)]
    [InlineData("/etc/passwd", 126)]
    [InlineData("/etc", 126)]
    public async Task AProgramThatCannotRunIsNamed(string program, int exitCode)
    {
        Outcome outcome = await Caller.RunAsync(Who.Root, [.. Caller.Driver(), program]);
        Assert.Equal(exitCode, outcome.ExitCode);
        Assert.Contains(program, outcome.Errors);
    }
}
