using System.Text;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.Running;

/// <summary>What belongs to the command arrives unchanged; what is ours is checked; the exit codes are the documented ones.</summary>
public sealed class ArgumentTests(TestNetwork network)
{
    /// <summary>Prints its arguments, each in brackets.</summary>
    private static readonly string[] Show = ["printf", "[%s]"];

    [Theory]
    [InlineData("-v", "-d", "@x", "--", "y")]
    [InlineData("--help", "--version", "-h")]
    [InlineData("--mtu", "12", "--no-ipv6", "@file")]
    [InlineData("", " ", "*", "$HOME", "a b")]
    public async Task ArgumentsArriveUnchanged(params string[] arguments)
    {
        await network.RequireAsync();
        // "--" must be the caller's to give: without it the first word that is not ours begins the command.
        Outcome outcome = await network.RunAsync(Who.Root, [.. TestNetwork.Ginnel("run", "--no-ipv6", "--mtu", "1400"), .. Show, .. arguments]);
        string expected = string.Concat((arguments[0] == "--" ? arguments.Skip(1) : arguments).Select(a => $"[{a}]"));
        Assert.Equal(expected, outcome.Output);
        Outcome dashed = await network.RunAsync(Who.Root, [.. TestNetwork.Ginnel("run", "--mtu=1400", "--"), .. Show, .. arguments]);
        Assert.Equal(expected, dashed.Output);
    }

    [Fact]
    public async Task BytesThatAreNotUtf8ArriveUnchanged()
    {
        await network.RequireAsync();
        string command = string.Join(' ', TestNetwork.Ginnel("run", "--"));
        Outcome outcome = await network.RunAsync(Who.Root, "sh", "-c", $"{command} printf %s \"$(printf '\\377\\200')\" | od -An -tx1");
        Assert.Equal(" ff 80", outcome.Output.TrimEnd());
    }

    [Theory]
    [InlineData(0, "true")]
    [InlineData(7, "sh", "-c", "exit 7")]
    [InlineData(127, "no-such-program-anywhere")]
    [InlineData(126, "/etc/passwd")]
    [InlineData(143, "sh", "-c", "kill -TERM $$")]
    [InlineData(125, "--no-such-option")]
    [InlineData(125, "--mtu", "10", "true")]
    [InlineData(125, "--subnet", "10.0.2.1/24", "true")]
    [InlineData(125, "--subnet", "10.9.0.0/30", "true")]
    [InlineData(125, "--publish", "99999", "true")]
    [InlineData(125, "--dns", "nine", "true")]
    public async Task ExitCodesAreTheDocumentedOnes(int expected, params string[] words)
    {
        await network.RequireAsync();
        // A shell between us tells 128 and the signal's number, as the document says it.
        string line = string.Join(' ', TestNetwork.Ginnel("run").Concat(words).Select(w => $"'{w}'"));
        Outcome outcome = await network.RunAsync(Who.Root, "sh", "-c", line + "; exit $?");
        Assert.True(expected == outcome.ExitCode, $"{outcome.ExitCode}: {outcome.Errors}");
        if (expected >= 125 && expected < 128) Assert.StartsWith("ginnel: ", outcome.Errors);
    }

    [Fact]
    public async Task AnUnknownOptionIsNamedWithTheNearest()
    {
        await network.RequireAsync();
        Outcome outcome = await network.RunAsync(Who.Root, TestNetwork.Ginnel("run", "--host-lopback", "true"));
        Assert.Contains("unknown option --host-lopback; the nearest is --host-loopback", outcome.Errors);
    }

    [Fact]
    public async Task AProxyOnTheLoopbackIsWarnedAbout()
    {
        await network.RequireAsync();
        Outcome outcome = await network.RunAsync(Who.Root, ["env", "http_proxy=http://127.0.0.1:3128/", .. TestNetwork.Ginnel("run", "true")]);
        string line = Assert.Single(outcome.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("ginnel: http_proxy names a proxy on this host's loopback", line);
        Assert.Contains("--host-loopback", line);
    }

    [Fact]
    public async Task TheDefaultCommandIsTheShell()
    {
        await network.RequireAsync();
        Outcome outcome = await network.RunAsync(Who.Root, ["sh", "-c", $"echo 'echo shell $0; exit 3' | SHELL=/bin/sh {string.Join(' ', TestNetwork.Ginnel("run"))}"]);
        Assert.Equal(3, outcome.ExitCode);
        Assert.StartsWith("shell ", outcome.Output);
    }
}
