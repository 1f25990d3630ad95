using System.Diagnostics;
using System.Globalization;
using Ginnel.Interop.Running;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.WireGuard;

/// <summary>Two <c>ginnel proxy</c>, one in each namespace: what comes in at one end's port comes out at a server beside the other.</summary>
public sealed class ProxyTests(TestNetwork network) : IDisposable
{
    private const int Size = 1 << 20;
    private readonly List<Process> _started = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        foreach (Process process in _started)
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
            process.Dispose();
        }
    }

    [Fact]
    public async Task PortsLeadThroughTheTunnelBothWays()
    {
        await network.RequireAsync("wg", "curl", "python3");
        (string near, string far) = await ProxyPair.FilesAsync(network, "both", 51_990);
        Process there = network.Serve([.. TestNetwork.Ginnel("proxy", "--config", far, "--control", "none"),
            "--ingress", $"tcp:80:127.0.0.1:{PeerServer.Http}", "--ingress", $"tcp:81:localhost:{PeerServer.Http}", "--ingress", $"udp:7:127.0.0.1:{PeerServer.Echo}",
            "--ingress", $"tcp:7002:[::1]:{PeerServer.HalfClose}", "--ingress", "tcp:9:127.0.0.1:9",
            "--ingress", $"tcp:82:127.0.0.1:{PeerServer.Http},source=192.0.2.0/24"]);
        Process here = Start(Who.UserWithoutTun, [.. TestNetwork.Ginnel("proxy", "--config", near, "-v"),
            "--egress", "tcp:8180:10.88.0.2:80", "--egress", "tcp:8181:[fd88::2]:81", "--egress", "udp:8107:10.88.0.2:7", "--egress", "tcp:8102:10.88.0.2:7002",
            "--egress", "tcp:8109:10.88.0.2:9", "--egress", "tcp:8182:10.88.0.2:82"]);
        await ProxyPair.StartedAsync(there, 6);
        await ProxyPair.StartedAsync(here, 6);
        Outcome outcome = await network.RunAsync(Who.Root, "sh", "-c", $$"""
            curl -s -m 20 http://127.0.0.1:8180/bytes/{{Size}} | sha256sum
            curl -s -m 20 'http://[::1]:8181/bytes/{{Size}}' | sha256sum
            for port in 8109 8182; do curl -s -m 20 http://127.0.0.1:$port/; code=$?; case $code in 7 | 56) echo refused ;; *) echo $code ;; esac; done
            /usr/bin/python3 -c "
            import socket
            {{Repeating.Ask}}
            print(ask(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), b'datagram', ('127.0.0.1', 8107)).decode())
            s = socket.create_connection(('127.0.0.1', 8102), 20); s.sendall(b'x' * 100000); s.shutdown(socket.SHUT_WR)
            n = 0
            while True:
                d = s.recv(65536)
                if not d: break
                n += len(d)
            print(n)
            "
            """);
        // A port on the host is connected before its rule has dialled, so a refusal is a reset: 56, or 7 if it comes before curl has looked.
        Assert.Equal($"{PeerServer.HashOf(Size)}  -\n{PeerServer.HashOf(Size)}  -\nrefused\nrefused\ndatagram\n{PeerServer.AfterHalfClose}\n", outcome.Output);
        foreach (Process process in (Process[])[here, there])
        {
            await Caller.RunAsync(Who.Root, "kill", "-TERM", process.Id.ToString(CultureInfo.InvariantCulture));
            Assert.Equal(0, (await Caller.FinishAsync(process)).ExitCode);
        }
    }

    [Fact]
    public async Task SeveralTargetsTakeExactTurnsOnBothProtocols()
    {
        await network.RequireAsync("wg", "python3");
        (string near, string far) = await ProxyPair.FilesAsync(network, "turns", 51_992);
        const string Servers = """
            import socket, threading
            def tcp(l, port):
                while True:
                    c = l.accept()[0]; c.sendall(str(port).encode()); c.close()
            def udp(s, port):
                while True:
                    s.sendto(str(port).encode(), s.recvfrom(99)[1])
            for port in (7301, 7302):
                l = socket.create_server(('127.0.0.1', port))
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.1', port))
                for serve, on in ((tcp, l), (udp, s)): threading.Thread(target=serve, args=(on, port), daemon=True).start()
            print('ready', flush=True)
            threading.Event().wait()
            """;
        Process servers = network.Serve("/usr/bin/python3", "-c", Servers);
        Assert.Equal("ready", await servers.StandardOutput.ReadLineAsync(Token));
        Process there = network.Serve([.. TestNetwork.Ginnel("proxy", "--config", far, "--control", "none"), "--ingress", "tcp:73:127.0.0.1:7301", "--ingress", "tcp:73:127.0.0.1:7302",
            "--ingress", "udp:73:127.0.0.1:7301", "--ingress", "udp:73:127.0.0.1:7302", "--ingress", "tcp:74:127.0.0.1:7301", "--ingress", "tcp:74:127.0.0.1:1"]);
        Process here = Start(Who.UserWithoutTun, [.. TestNetwork.Ginnel("proxy", "--config", near),
            "--egress", "tcp:7373:10.88.0.2:73", "--egress", "udp:7373:10.88.0.2:73", "--egress", "tcp:7374:10.88.0.2:74"]);
        await ProxyPair.StartedAsync(there, 6);
        await ProxyPair.StartedAsync(here, 3);
        Outcome outcome = await network.RunAsync(Who.Root, "/usr/bin/python3", "-c", $"""
            import socket
            {Repeating.Ask}
            def tcp(port):
                return socket.create_connection(('127.0.0.1', port), 60).recv(99).decode()
            def udp():
                return ask(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), b'?', ('127.0.0.1', 7373)).decode()
            for answers in ([tcp(7373) for i in range(10)], [udp() for i in range(10)], [tcp(7374) for i in range(4)]):
                print(answers.count('7301'), answers.count('7302'))
            """);
        Assert.Equal("5 5\n5 5\n4 0\n", outcome.Output);
    }

    [Theory]
    [InlineData(2, "neither tcp nor udp", "--ingress", "tcpa:1:h:1")]
    [InlineData(2, "there already", "--egress", "tcp:1:h:1", "--egress", "tcp:1:h:1")]
    [InlineData(2, "nothing to do", "--control", "none")]
    [InlineData(0, "are right", "--check", "--egress", "tcp:1:h:1")]
    public async Task WordsAreJudgedBeforeAnythingIsOpened(int code, string message, params string[] words)
    {
        await network.RequireAsync("wg");
        (string near, _) = await ProxyPair.FilesAsync(network, $"words{Math.Abs(string.Join(' ', words).GetHashCode(StringComparison.Ordinal))}", 51_994);
        Outcome outcome = await network.RunAsync(Who.Root, [.. TestNetwork.Ginnel("proxy", "--config", near), .. words]);
        Assert.Equal(code, outcome.ExitCode);
        Assert.Contains(message, outcome.Errors);
    }

    [Fact]
    public async Task APortThatIsTakenIsNamed()
    {
        await network.RequireAsync("wg");
        (string near, _) = await ProxyPair.FilesAsync(network, "taken", 51_996);
        Outcome outcome = await network.RunAtPeerAsync([.. TestNetwork.Ginnel("proxy", "--config", near, "--control", "none"), "--egress", $"tcp:{PeerServer.Http}:10.88.0.2:1"]);
        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains($"port {PeerServer.Http} cannot be opened", outcome.Errors);
    }

    /// <summary>Starts one of ours beside the host; it ends with the test, however that ends.</summary>
    private Process Start(Who who, params string[] words)
    {
        Process process = network.Start(who, words);
        _started.Add(process);
        return process;
    }
}
