using Ginnel.Cli.CommandLine;
using Ginnel.Sandbox;

namespace Ginnel.Interop.CommandLine;

/// <summary>Where our words end and the user's begin; nothing is started.</summary>
public sealed class ArgumentCutTests
{
    private static readonly GinnelCommand Tree = CommandTree.Create();

    [Theory]
    [InlineData("run curl -v -d @x -- y", 1)]
    [InlineData("run -- curl", 2)]
    [InlineData("run -v -- -- curl", 3)]
    [InlineData("run --mtu 1400 -p 80 curl --mtu 9", 5)]
    [InlineData("run --mtu=1400 --host-loopback ssh -p 22 h", 3)]
    [InlineData("run", 1)]
    [InlineData("run -", 1)]
    [InlineData("entrance --command x --forward tcp:1:h:2 -- run --help", 6)]
    public void TheTailBeginsAtTheFirstWordThatIsNotOurs(string line, int tail)
    {
        CutArguments cut = ArgumentCut.Cut(Tree, line.Split(' '));
        Assert.Null(cut.Error);
        Assert.Equal(tail, cut.TailIndex);
    }

    [Theory]
    [InlineData("run --no-ipv6=yes x", "--no-ipv6 takes no value")]
    [InlineData("run --mtu", "--mtu needs a value")]
    [InlineData("run --pcap -- curl", "--pcap needs a value")]
    [InlineData("run --mtu 1 --mtu 2 x", "--mtu can be given once only")]
    [InlineData("run --publissh 1 x", "the nearest is --publish")]
    [InlineData("run -x", "unknown option -x")]
    [InlineData("doctor now", "one word too many")]
    [InlineData("completion ksh", "'ksh' is not possible here")]
    [InlineData("rum", "the nearest is 'run'")]
    [InlineData("firefox", "ginnel run -- firefox")]
    public void WhatIsWrongIsNamed(string line, string error)
    {
        string[] words = line.Split(' ');
        Assert.Contains(error, ArgumentCut.Cut(Tree, words).Error);
    }

    [Fact]
    public void ListsKeepTheirOrderAndFilesAreNotRead()
    {
        CutArguments cut = ArgumentCut.Cut(Tree, ["run", "-p", "80:8080", "--publish=@file", "-v", "x"]);
        OptionValues values = new(cut);
        Assert.Equal(["80:8080", "@file"], values.List("--publish"));
        Assert.True(values.Has("--verbose"));
        Assert.False(values.Has("--summary"));
        Assert.Null(values.Value("--mtu"));
    }

    [Theory]
    [InlineData("8080", "127.0.0.1:8080:8080")]
    [InlineData("8080:80/udp", "127.0.0.1:8080:80/udp")]
    [InlineData("0.0.0.0:1-3:11-13", "0.0.0.0:1-3:11-13")]
    [InlineData("[::1]:8080:80/TCP", "[::1]:8080:80")]
    [InlineData("192.0.2.1:53/udp", "192.0.2.1:53:53/udp")]
    public void PublishRulesAreRead(string text, string printed)
    {
        Assert.True(PublishRule.TryParse(text, out PublishRule rule, out string? error), error);
        Assert.Equal(printed, rule.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("65536")]
    [InlineData("80/sctp")]
    [InlineData("1:2:3")]
    [InlineData("127.1:80:80")]
    [InlineData("3-1")]
    [InlineData("1-2:5-9")]
    [InlineData("1-2000")]
    [InlineData("::1:80")]
    public void OtherPublishRulesAreRefused(string text)
    {
        Assert.False(PublishRule.TryParse(text, out _, out string? error));
        Assert.Contains(PublishRule.Grammar, error);
    }

    [Theory]
    [InlineData("http_proxy", "http://127.0.0.1:3128/", true)]
    [InlineData("HTTPS_PROXY", "user:pass@localhost:1", true)]
    [InlineData("all_proxy", "socks5h://[::1]:1080", true)]
    [InlineData("http_proxy", "http://proxy.example:3128/", false)]
    [InlineData("no_proxy", "localhost,127.0.0.1", false)]
    public void ProxiesOnTheLoopbackAreFound(string name, string value, bool found)
    {
        string? warning = ProxyVariables.Warning(new Dictionary<string, string> { [name] = value, ["PATH"] = "/bin" }, isLoopbackOpen: false);
        Assert.Equal(found, warning is not null);
        if (found) Assert.Contains(name, warning);
    }

    [Fact]
    public void TheSubnetThatTheHostKnowsIsPassedOver()
    {
        HostRoutes routes = HostRoutes.Parse(
            ["Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT",
             "eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0",
             "eth0\t0002000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0"],
            ["fd000002000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000000 00000000 00000001 eth0",
             "00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000000 00000000 00000001 eth0"]);
        Assert.Equal("10.0.3.0/24", routes.Choose(System.Net.Sockets.AddressFamily.InterNetwork).ToString());
        Assert.Equal("fd00:3::/64", routes.Choose(System.Net.Sockets.AddressFamily.InterNetworkV6).ToString());
    }

    [Fact]
    public void ARangeThatTheHostKnowsAsAWholeIsLeft()
    {
        HostRoutes routes = HostRoutes.Parse(
            ["tun0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0", "tun0\t000010AC\t00000000\t0001\t0\t0\t0\t0000F0FF\t0\t0\t0"],
            ["fd000000000000000000000000000000 10 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000000 00000000 00000001 tun0"]);
        Assert.Equal("192.168.200.0/24", routes.Choose(System.Net.Sockets.AddressFamily.InterNetwork).ToString());
        Assert.Equal("fd67:696e:6e65:100::/64", routes.Choose(System.Net.Sockets.AddressFamily.InterNetworkV6).ToString());
        Assert.Equal(64, AddressPlan.Candidates(System.Net.Sockets.AddressFamily.InterNetwork).Distinct().Count());
        Assert.Equal(32, AddressPlan.Candidates(System.Net.Sockets.AddressFamily.InterNetworkV6).Distinct().Count());
    }

    [Fact]
    public void TheScriptsAreOnesThatShellsRead()
    {
        foreach (string shell in (string[])["bash", "zsh", "fish"])
        {
            string script = CompletionText.Compose(Tree, shell);
            Assert.Contains("host-loopback", script);
            Assert.Contains("entrance", script);
        }
    }

    [Fact]
    public void HelpNamesEveryOptionWithinTheWidth()
    {
        foreach (GinnelCommand command in Tree.Subcommands)
        {
            string help = HelpText.Of(command, 80);
            foreach (Option option in command.Options) Assert.Contains(option.Name, help);
            string[] examples = [.. command.Details.Examples.Select(e => "  " + e.Line)];
            Assert.All(help.Split('\n'), line => Assert.True(line.Length <= 80 || examples.Contains(line) || line.StartsWith("Usage:", StringComparison.Ordinal), line));
        }
    }
}
