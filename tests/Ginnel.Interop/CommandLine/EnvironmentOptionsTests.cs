using Ginnel.Cli.CommandLine;

namespace Ginnel.Interop.CommandLine;

/// <summary>Options from the environment; nothing is started.</summary>
public sealed class EnvironmentOptionsTests
{
    private static readonly GinnelCommand Tree = CommandTree.Create();

    [Theory]
    [InlineData("proxy", "GINNEL_EGRESS", "tcp:1:h:2  udp:3:h:4\n", "proxy --egress=tcp:1:h:2 --egress=udp:3:h:4")]
    [InlineData("proxy", "GINNEL_CONFIG", " wg0.conf ", "proxy --config=wg0.conf")]
    [InlineData("proxy --config x", "GINNEL_CONFIG", "wg0.conf", "proxy --config=x")]
    [InlineData("proxy --egress tcp:9:h:9", "GINNEL_EGRESS", "tcp:1:h:2", "proxy --egress=tcp:9:h:9")]
    [InlineData("proxy", "GINNEL_ALL_INGRESS", "true", "proxy --all-ingress")]
    [InlineData("proxy", "GINNEL_VERBOSE", "0", "proxy")]
    [InlineData("proxy", "GINNEL_MTU", "", "proxy")]
    [InlineData("run true", "GINNEL_MTU", "1400", "run")]
    public void WhatIsNotOnTheCommandLineComesFromThere(string line, string variable, string value, string head)
    {
        CutArguments cut = EnvironmentOptions.Complete(ArgumentCut.Cut(Tree, line.Split(' ')), name => name == variable ? value : null);
        Assert.Null(cut.Error);
        Assert.Equal(head, string.Join(' ', cut.Head));
    }

    [Fact]
    public void ASwitchThatIsNeitherOnNorOffIsNamed() =>
        Assert.Contains("GINNEL_CHECK=maybe", EnvironmentOptions.Complete(ArgumentCut.Cut(Tree, ["proxy"]), name => name == "GINNEL_CHECK" ? "maybe" : null).Error);
}
