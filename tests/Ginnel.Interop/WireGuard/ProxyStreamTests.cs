using System.Globalization;
using Ginnel.Interop.Running;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.WireGuard;

/// <summary>What streams through two <c>ginnel proxy</c> have to bear beyond a download.</summary>
public sealed class ProxyStreamTests(TestNetwork network)
{
    private const int Size = 10 << 20;

    [Fact]
    public async Task AServerMaySpeakFirst()
    {
        await network.RequireAsync("wg", "python3");
        await using ProxyPair pair = await ProxyPair.StartAsync(network, 51_970, ["--egress", "tcp:8201:10.88.0.2:21"], ["--ingress", $"tcp:21:127.0.0.1:{PeerServer.SpeaksFirst}"]);
        Assert.Equal("220 welcome\nhello\nend\n", await PythonAsync("""
            import socket
            s = socket.create_connection(('127.0.0.1', 8201), 60)
            print(s.recv(99).decode().strip())
            s.sendall(b'hello')
            print(s.recv(99).decode())
            print('end' if s.recv(99) == b'' else 'more')
            """));
        await pair.EndAsync();
    }

    [Theory]
    [InlineData("127.0.0.1", "10.88.0.2", "[::1]")]
    [InlineData("::1", "[fd88::2]", "127.0.0.1")]
    public async Task TenMebibytesPassBothWaysAndEachEndsByItself(string entrance, string inside, string target)
    {
        await network.RequireAsync("wg", "python3");
        await using ProxyPair pair = await ProxyPair.StartAsync(network, 51_972,
            ["--egress", $"tcp:8211:{inside}:7", "--egress", $"tcp:8212:{inside}:2"],
            ["--ingress", $"tcp:7:{target}:{PeerServer.Echo}", "--ingress", $"tcp:2:{target}:{PeerServer.HalfClose}"]);
        // The first returns everything while it comes; the other answers when all has come, by a stream of which one half has ended.
        Assert.Equal($"same\n{PeerServer.HashOf(PeerServer.AfterHalfClose)}\n", await PythonAsync($$"""
            import hashlib, os, socket, threading
            data = os.urandom({{Size}})
            def exchange(port):
                s = socket.create_connection(('{{entrance}}', port), 60)
                def send():
                    s.sendall(data)
                    s.shutdown(socket.SHUT_WR)
                threading.Thread(target=send, daemon=True).start()
                got = bytearray()
                while piece := s.recv(1 << 16): got += piece
                return got
            print('same' if exchange(8211) == data else 'other')
            print(hashlib.sha256(exchange(8212)).hexdigest())
            """));
        await pair.EndAsync();
    }

    [Fact]
    public async Task WhoReadsSlowlyHoldsUpNobodyElse()
    {
        const int Stalled = 8, Whole = 64 << 20;
        await network.RequireAsync("wg", "python3");
        await using ProxyPair pair = await ProxyPair.StartAsync(network, 51_974, ["--egress", "tcp:8221:10.88.0.2:80"], ["--ingress", $"tcp:80:127.0.0.1:{PeerServer.Http}"]);
        string answer = await PythonAsync($$"""
            import hashlib, socket, time
            def ask(count):
                s = socket.create_connection(('127.0.0.1', 8221), 60)
                s.sendall(b'GET /bytes/%d HTTP/1.1\r\nHost: x\r\n\r\n' % count)
                return s
            def read(s):
                h = hashlib.sha256(); rest = b''
                while b'\r\n\r\n' not in rest: rest += s.recv(1 << 16)
                h.update(rest.split(b'\r\n\r\n', 1)[1])
                while piece := s.recv(1 << 16): h.update(piece)
                return h.hexdigest()
            def resident(pid):
                return int(next(l for l in open('/proc/%d/status' % pid) if l.startswith('VmRSS')).split()[1]) >> 10
            read(ask({{Size}}))
            before = [resident(pid) for pid in ({{pair.Near.Id}}, {{pair.Far.Id}})]
            stalled = [ask({{Whole}}) for i in range({{Stalled}})]
            time.sleep(1)
            begin = time.time()
            print(read(ask({{Size}})))
            took = time.time() - begin
            after = [resident(pid) for pid in ({{pair.Near.Id}}, {{pair.Far.Id}})]
            print(read(stalled[0]))
            print(max(a - b for a, b in zip(after, before)), int(took * 1000))
            """);
        string[] lines = answer.Split('\n');
        Assert.Equal([PeerServer.HashOf(Size), PeerServer.HashOf(Whole)], lines[..2]);
        int[] figures = [.. lines[2].Split(' ').Select(text => int.Parse(text, CultureInfo.InvariantCulture))];
        // Of the 512 MiB that wait, a proxy holds its buffers for each stream, and what is not read is left with the server.
        Assert.InRange(figures[0], 0, Stalled * 10);
        // Held up, it would wait for those that are read after it: for ever. Any time is short of that.
        Assert.InRange(figures[1], 0, 50_000);
        await pair.EndAsync();
    }

    private async Task<string> PythonAsync(string script)
    {
        Outcome outcome = await network.RunAsync(Who.Root, "/usr/bin/python3", "-c", script);
        Assert.True(outcome.ExitCode == 0, outcome.Errors);
        return outcome.Output;
    }
}
