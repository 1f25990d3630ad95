using Ginnel.Cli.Commands;
using Ginnel.Interop.Running;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.CommandLine;

/// <summary>SIGHUP before there is anything to reload.</summary>
public sealed class ReloadSignalTests
{
    [Fact]
    public void OneThatCameEarlyIsServedOnceAndLaterOnesAtOnce()
    {
        int served = 0;
        using ReloadSignal signal = new();
        signal.Come();
        signal.Come();
        Assert.Equal(0, served);
        signal.Serve(() => served++);
        Assert.Equal(1, served);
        signal.Come();
        Assert.Equal(2, served);
    }

    [Fact]
    public async Task AProxyThatStillReadsItsFileDoesNotEndByIt()
    {
        // The pipe opens for the shell at the moment at which the proxy opens its file.
        const string Script = """
            d=$(mktemp -d); mkfifo $d/wg; "$@" proxy --config $d/wg --check & exec 3>$d/wg; kill -HUP $!
            printf '[Interface]\nPrivateKey = aLZGxRmWhOqTMYRr0WWYzSwwkmwWOwCXqnXXwsFG6EA=\nAddress = 10.0.0.1/32\n' >&3; exec 3>&-
            wait $!; code=$?; rm -r $d; exit $code
            """;
        Outcome outcome = await Caller.RunAsync(Who.Root, ["bash", "-c", Script, "bash", .. TestNetwork.Ginnel()]);
        Assert.True(outcome.ExitCode == 0, outcome.Errors);
    }
}
