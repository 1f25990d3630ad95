using System.Diagnostics;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.Running;

/// <summary>git, ssh, and what <c>--pcap</c> leaves behind.</summary>
public sealed class ToolTests(TestNetwork network)
{
    [Theory]
    [InlineData(Who.Root)]
    [InlineData(Who.UserWithoutTun)]
    public async Task GitClonesOverHttp(Who who)
    {
        await network.RequireAsync("git");
        string repository = Path.Combine(network.Folder, $"repository-{who}"), clone = Path.Combine(network.Folder, $"clone-{who}");
        Outcome made = await Caller.RunAsync(Who.Root, ["sh", "-c", $$"""
            set -e
            export GIT_CONFIG_GLOBAL=/dev/null HOME={{network.Folder}}
            git init -q -b main {{repository}}
            cd {{repository}}
            seq 1 20000 > numbers
            git add . && git -c user.name=n -c user.email=e@example commit -q -m first
            git update-server-info
            chmod -R a+rX .
            """]);
        Assert.True(made.ExitCode == 0, made.Errors);
        Outcome outcome = await network.RunAsync(who, ["env", "GIT_CONFIG_GLOBAL=/dev/null", $"HOME={network.Folder}", .. TestNetwork.Ginnel("run"),
            "git", "clone", "-q", $"http://{TestNetwork.PeerAddress}:{PeerServer.Http}/files/repository-{who}/.git", clone]);
        Assert.True(outcome.ExitCode == 0, outcome.Errors);
        Assert.Equal(20000, File.ReadLines(Path.Combine(clone, "numbers")).Count());
    }

    [Fact]
    public async Task SshArrivesUnchangedAndCarriesGit()
    {
        await network.RequireAsync("ssh", "sshd", "git");
        string keys = Path.Combine(network.Folder, "ssh");
        Directory.CreateDirectory(keys, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Outcome made = await Caller.RunAsync(Who.Root, ["sh", "-c", $$"""
            set -e
            cd {{keys}}
            ssh-keygen -q -t ed25519 -N '' -f host
            ssh-keygen -q -t ed25519 -N '' -f user
            cp user.pub authorized
            printf '[{{TestNetwork.PeerAddress}}]:2222 %s\n' "$(cut -d' ' -f1,2 host.pub)" > known
            git init -q --bare {{keys}}/served.git
            mkdir -p /run/sshd
            """]);
        Assert.True(made.ExitCode == 0, made.Errors);
        network.Serve("/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", "-p", "2222", "-h", $"{keys}/host", "-o", $"AuthorizedKeysFile={keys}/authorized",
            "-o", "StrictModes=no", "-o", "UsePAM=no", "-o", "PidFile=none", "-o", "PermitRootLogin=yes");
        string[] ssh = ["ssh", "-p", "2222", "-i", $"{keys}/user", "-F", "/dev/null", "-o", $"UserKnownHostsFile={keys}/known", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20", "-o", "ConnectionAttempts=60"];
        Outcome outcome = await network.RunAsync(Who.Root, [.. TestNetwork.Ginnel("run"), .. ssh, $"root@{TestNetwork.PeerAddress}", "echo over ssh; exit 5"]);
        Assert.Equal("over ssh\n", outcome.Output);
        Assert.Equal(5, outcome.ExitCode);
        Outcome cloned = await network.RunAsync(Who.Root, ["env", $"GIT_SSH_COMMAND={string.Join(' ', ssh[..1].Concat(ssh[3..]))}", .. TestNetwork.Ginnel("run"),
            "git", "clone", "-q", $"ssh://root@{TestNetwork.PeerAddress}:2222{keys}/served.git", Path.Combine(network.Folder, "over-ssh")]);
        Assert.True(cloned.ExitCode == 0, cloned.Errors);
    }

    [Fact]
    public async Task ACaptureIsReadByTshark()
    {
        await network.RequireAsync("curl", "tshark");
        string file = Path.Combine(network.Folder, "trace.pcapng");
        Outcome outcome = await network.RunAsync(Who.Root, [.. TestNetwork.Ginnel("run", "--pcap", file), "curl", "-4", "-s", "-m", "20", "-o", "/dev/null", "http://ginnel.internal/"]);
        Assert.True(outcome.ExitCode == 0, outcome.Errors);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Outcome read = await Caller.RunAsync(Who.Root, ["tshark", "-r", file, "-Y", "http.request or dns.flags.response == 1", "-T", "fields", "-e", "http.host", "-e", "dns.qry.name"]);
        Assert.Contains("ginnel.internal", read.Output);
        Assert.Contains(read.Output.Split('\n'), l => l.StartsWith("ginnel.internal", StringComparison.Ordinal));
    }

    [Fact]
    public async Task AMistypedCommandCostsNoCapture()
    {
        await network.RequireAsync();
        string old = Path.Combine(network.Folder, "old.pcapng"), none = Path.Combine(network.Folder, "none.pcapng");
        await File.WriteAllTextAsync(old, "precious", TestContext.Current.CancellationToken);
        foreach (string file in (string[])[old, none])
        {
            Outcome outcome = await network.RunAsync(Who.Root, TestNetwork.Ginnel("run", "--pcap", file, "no-such-command-here"));
            Assert.Equal(127, outcome.ExitCode);
        }
        Assert.Equal("precious", await File.ReadAllTextAsync(old, TestContext.Current.CancellationToken));
        Assert.False(File.Exists(none));
    }

    [Fact]
    public async Task AnEmptyFileBecomesItsOwnersAlone()
    {
        await network.RequireAsync();
        string file = Path.Combine(network.Folder, "empty.pcapng");
        await File.WriteAllBytesAsync(file, [], TestContext.Current.CancellationToken);
        File.SetUnixFileMode(file, (UnixFileMode)0b110_100_100);
        Outcome outcome = await network.RunAsync(Who.Root, TestNetwork.Ginnel("run", "--pcap", file, "true"));
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Errors));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.NotEqual(0, new FileInfo(file).Length);
    }

    [Fact]
    public async Task ALogIsAppendedTo()
    {
        await network.RequireAsync("curl");
        string file = Path.Combine(network.Folder, "flows.log");
        for (int i = 0; i < 2; i++)
        {
            Outcome outcome = await network.RunAsync(Who.Root, [.. TestNetwork.Ginnel("run", "--log", file), "curl", "-s", "-m", "20", $"http://{TestNetwork.PeerAddress}:{PeerServer.Http}/"]);
            Assert.Equal("", outcome.Errors);
        }
        Assert.Equal(2, File.ReadLines(file).Count(l => l.Contains($"tcp  {TestNetwork.PeerAddress}:{PeerServer.Http}", StringComparison.Ordinal)));
    }
}
