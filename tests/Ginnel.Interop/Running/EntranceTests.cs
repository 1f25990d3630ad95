using System.Diagnostics;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.Running;

/// <summary>An exit in the peer's namespace, entrances in the host's: programs, forwarded ports, names, and who is turned away.</summary>
public sealed class EntranceTests(TestNetwork network)
{
    private static readonly string Self = TestNetwork.Ginnel()[0];

    /// <summary>The command line by which an entrance starts an exit in the peer's namespace, as ssh would on another host.</summary>
    private string ExitLine(string expose) => $"ip netns exec {network.Peer} {Self} exit --stdio {expose}";

    private Task<Outcome> ThroughAsync(string expose, params string[] command) =>
        network.RunAsync(Who.Root, [.. TestNetwork.Ginnel("entrance", "--command", ExitLine(expose), "--"), .. command]);

    [Fact]
    public async Task AProgramReachesWhatIsExposed()
    {
        await network.RequireAsync("curl", "ping", "python3");
        Outcome outcome = await ThroughAsync("--expose 127.0.0.1/32 --expose 198.18.0.0/24 --expose fd77::/64", "sh", "-c", $"""
            curl -s -m 20 http://{TestNetwork.PeerAddress}:{PeerServer.Http}/bytes/1048576 | sha256sum
            curl -s -m 20 'http://[{TestNetwork.PeerAddressV6}]:{PeerServer.Http}/bytes/65536' | sha256sum
            /usr/bin/python3 -c "
            import socket
            {Repeating.Ask}
            print(ask(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), b'echo', ('{TestNetwork.PeerAddress}', {PeerServer.Echo})).decode())"
            curl -s -m 20 http://exit.ginnel.internal:{PeerServer.Http}/bytes/10 | sha256sum
            for i in 1 2 3 4; do ping -c 1 -W 10 {TestNetwork.PeerAddress} && break; done | grep -o '1 received'
            """);
        Assert.Equal($"{PeerServer.HashOf(1 << 20)}  -\n{PeerServer.HashOf(1 << 16)}  -\necho\n{PeerServer.HashOf(10)}  -\n1 received\n", outcome.Output);
    }

    [Fact]
    public async Task WhatIsNotExposedIsNotReached()
    {
        await network.RequireAsync("curl");
        Outcome outcome = await ThroughAsync("--expose 192.0.2.0/24 --expose 0.0.0.0/0", "sh", "-c", $"curl -s -m 20 http://[{TestNetwork.PeerAddressV6}]:{PeerServer.Http}/; echo $?");
        Assert.Equal("7\n", outcome.Output);
    }

    [Fact]
    public async Task PortsAreForwardedToThoseWhoKnowTheSecret()
    {
        await network.RequireAsync("curl");
        string secret = Path.Combine(network.Folder, "exit.secret"), other = Path.Combine(network.Folder, "other.secret");
        await File.WriteAllTextAsync(secret, "a secret that both ends know\n", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(other, "a secret that nobody else has\n", TestContext.Current.CancellationToken);
        foreach (string file in (string[])[secret, other]) File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        string address = $"{TestNetwork.PeerAddress}:7100";
        Process exit = network.Serve(Self, "exit", "--expose", "127.0.0.1/32", "--expose", "198.18.0.0/24", "--listen", address, "--secret-file", secret);
        Assert.Contains("waiting", await exit.StandardError.ReadLineAsync(TestContext.Current.CancellationToken));

        using Process entrance = network.Start(Who.Root, TestNetwork.Ginnel("entrance", "--connect", address, "--secret-file", secret, "--forward", $"tcp:7200:127.0.0.1:{PeerServer.Http}"));
        Assert.Contains("is open", await entrance.StandardError.ReadLineAsync(TestContext.Current.CancellationToken));
        Outcome fetched = await network.RunAsync(Who.Root, "sh", "-c", "curl -s -m 20 http://127.0.0.1:7200/bytes/100000 | sha256sum");
        Assert.StartsWith(PeerServer.HashOf(100000), fetched.Output);
        Stopwatch watch = Stopwatch.StartNew();
        await Caller.RunAsync(Who.Root, ["kill", "-TERM", entrance.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        Outcome ended = await Caller.FinishAsync(entrance);
        Assert.Equal(0, ended.ExitCode);
        // It would wait half a minute for last words if it believed that somebody was still to speak.
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(25), watch.Elapsed.ToString());

        Outcome stranger = await network.RunAsync(Who.Root, TestNetwork.Ginnel("entrance", "--connect", address, "--secret-file", other, "--forward", "tcp:7201:127.0.0.1:1"));
        Assert.Equal(1, stranger.ExitCode);
        Outcome silent = await network.RunAsync(Who.Root, TestNetwork.Ginnel("entrance", "--connect", address, "--forward", "tcp:7201:127.0.0.1:1"));
        Assert.Equal(1, silent.ExitCode);
        Assert.Contains("--secret-file", silent.Errors);
    }

    [Theory]
    [InlineData("nothing is exposed", "exit", "--stdio")]
    [InlineData("--insecure-listen", "exit", "--expose", "10.0.0.0/8", "--listen", "0.0.0.0:7000")]
    [InlineData("one of --stdio and --listen", "exit", "--expose", "10.0.0.0/8")]
    [InlineData("there is nothing to do", "entrance", "--connect", "127.0.0.1:1")]
    [InlineData("one of --connect and --command", "entrance", "--forward", "tcp:1:h:1")]
    [InlineData("brackets", "entrance", "--connect", "127.0.0.1:1", "--forward", "tcp:1:fd00::1:1")]
    public async Task WhatCannotBeMeantIsRefused(string message, params string[] words)
    {
        await network.RequireAsync();
        Outcome outcome = await network.RunAsync(Who.Root, TestNetwork.Ginnel(words));
        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains(message, outcome.Errors);
    }

    [Fact]
    public async Task AFileThatIsNoSocketIsNotRemoved()
    {
        await network.RequireAsync();
        string path = Path.Combine(network.Folder, "precious.txt");
        await File.WriteAllTextAsync(path, "precious", TestContext.Current.CancellationToken);
        Outcome outcome = await network.RunAsync(Who.Root, TestNetwork.Ginnel("exit", "--expose", "10.0.0.0/8", "--listen", $"unix:{path}"));
        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("is no socket", outcome.Errors);
        Assert.Equal("precious", await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task TheSocketOfAnExitThatWasKilledIsTakenOver()
    {
        await network.RequireAsync("python3");
        string path = Path.Combine(network.Folder, "deserted.sock");
        await Caller.RunAsync(Who.Root, "/usr/bin/python3", "-c", $"import socket; socket.socket(socket.AF_UNIX).bind('{path}')");
        using Process exit = network.Start(Who.Root, TestNetwork.Ginnel("exit", "--expose", "10.0.0.0/8", "--listen", $"unix:{path}"));
        Assert.Contains("waiting", await exit.StandardError.ReadLineAsync(TestContext.Current.CancellationToken));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        await Caller.RunAsync(Who.Root, "kill", "-TERM", exit.Id.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(0, (await Caller.FinishAsync(exit)).ExitCode);
    }

    [Fact]
    public async Task AnExitThatIsNotThereIsNamed()
    {
        await network.RequireAsync();
        Outcome outcome = await network.RunAsync(Who.Root, TestNetwork.Ginnel("entrance", "--connect", "127.0.0.1:9", "--forward", "tcp:7300:h:1"));
        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("127.0.0.1:9 cannot be reached", outcome.Errors);
    }

    [Fact]
    public async Task ACommandIsToldThatItsExitIsGone()
    {
        await network.RequireAsync();
        // The exit lives for as long as one file is not there; the command goes on when another says that we have been told.
        string gone = Path.Combine(network.Folder, "exit-gone"), told = Path.Combine(network.Folder, "exit-told");
        string line = $"(while [ ! -e {gone} ]; do sleep 0.1; done; kill $$) & exec {ExitLine("--expose 198.18.0.0/24")}";
        using Process entrance = network.Start(Who.Root, [.. TestNetwork.Ginnel("entrance", "--command", line, "--"), "sh", "-c", $"touch {gone}; while [ ! -e {told} ]; do sleep 0.1; done; echo lives; exit 7"]);
        await using Reaper reaper = new(entrance);
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        while (!Assert.IsType<string>(await entrance.StandardError.ReadLineAsync(patience.Token)).Contains("the connection to the exit has ended", StringComparison.Ordinal))
        {
        }
        await File.WriteAllTextAsync(told, "", patience.Token);
        Outcome outcome = await Caller.FinishAsync(entrance);
        Assert.Equal((7, "lives\n"), (outcome.ExitCode, outcome.Output));
    }

    [Fact]
    public async Task TheSignalThatEndedACommandEndsTheEntranceOnceAllIsPutAway()
    {
        await network.RequireAsync();
        string ended = Path.Combine(network.Folder, "exit-ended");
        string line = $"{ExitLine("--expose 198.18.0.0/24")}; touch {ended}";
        Outcome outcome = await network.RunAsync(Who.Root, [.. TestNetwork.Ginnel("entrance", "--command", line, "--"), "sh", "-c", "kill -TERM $$"]);
        Assert.Equal(143, outcome.ExitCode);
        Assert.True(File.Exists(ended));
    }

    [Fact]
    public async Task SilentStrangersKeepNobodyAway()
    {
        await network.RequireAsync("python3");
        string secret = Path.Combine(network.Folder, "crowd.secret"), path = Path.Combine(network.Folder, "crowd.sock");
        await File.WriteAllTextAsync(secret, "a secret that both ends know\n", TestContext.Current.CancellationToken);
        File.SetUnixFileMode(secret, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        string address = $"{TestNetwork.PeerAddress}:7101";
        Process exit = network.Serve(Self, "exit", "--expose", "127.0.0.1/32", "--listen", address, "--secret-file", secret);
        Assert.Contains("waiting", await exit.StandardError.ReadLineAsync(TestContext.Current.CancellationToken));
        // From ten addresses, as many as each may and more: every place is taken by those who say nothing.
        string crowd = $$"""
            import socket, subprocess, time
            held = []
            for host in range(100, 110):
                subprocess.run(['ip', 'addr', 'add', '198.18.0.%d/24' % host, 'dev', 'cable'], check=False, stderr=subprocess.DEVNULL)
                for i in range(12):
                    s = socket.socket()
                    s.bind(('198.18.0.%d' % host, 0))
                    s.connect(('{{TestNetwork.PeerAddress}}', 7101))
                    held.append(s)
            print('crowded', flush=True)
            time.sleep(60)
            """;
        // After ten seconds the strangers are turned away in any case. A machine that is too loaded to start us before that has proven nothing yet.
        TimeSpan took = TimeSpan.MaxValue;
        for (int attempt = 0; attempt < 5 && took > TimeSpan.FromSeconds(8); attempt++)
        {
            using Process strangers = network.Start(Who.Root, "/usr/bin/python3", "-c", crowd);
            Assert.Equal("crowded", await strangers.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
            Stopwatch watch = Stopwatch.StartNew();
            Outcome through = await network.RunAsync(Who.Root, TestNetwork.Ginnel("entrance", "--connect", address, "--secret-file", secret, "--", "true"));
            took = watch.Elapsed;
            strangers.Kill(entireProcessTree: true);
            Assert.Equal((0, ""), (through.ExitCode, through.Errors));
        }
        Assert.True(took < TimeSpan.FromSeconds(8), took.ToString());
    }

    [Theory]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.GroupRead)]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.GroupWrite)]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.OtherRead)]
    public async Task ASecretThatOthersHaveIsNone(UnixFileMode mode)
    {
        await network.RequireAsync();
        string secret = Path.Combine(network.Folder, $"shared-{(int)mode}.secret");
        await File.WriteAllTextAsync(secret, "a secret that both ends know\n", TestContext.Current.CancellationToken);
        File.SetUnixFileMode(secret, mode);
        Outcome outcome = await network.RunAsync(Who.Root, TestNetwork.Ginnel("exit", "--expose", "10.0.0.0/8", "--stdio", "--secret-file", secret));
        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains("chmod 600", outcome.Errors);
    }
}
