using Ginnel.Interop.Running;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.WireGuard;

/// <summary>SOCKS5 and HTTP into the tunnel, and everything the tunnel asks of this host: with curl, and with sockets that say each byte themselves.</summary>
public sealed class DoorTests(TestNetwork network)
{
    private const int Size = 1 << 20;

    [Fact]
    public async Task CurlGoesThroughBothProxies()
    {
        await network.RequireAsync("wg", "curl", "python3");
        string user = Path.Combine(network.Folder, "door-user");
        await File.WriteAllTextAsync(user, "me:secret\n", TestContext.Current.CancellationToken);
        File.SetUnixFileMode(user, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await using ProxyPair pair = await ProxyPair.StartAsync(network, 51_960, [], ["--ingress", $"tcp:80:127.0.0.1:{PeerServer.Http}", "--ingress", "udp:53:127.0.0.1:5399"],
            ["--control", Path.Combine(network.Folder, "doors.sock"), "--state", "none", "--socks5", ":8250", "--http", "127.0.0.1:8251", "--proxy-user-file", user], "DNS = 10.88.0.2");
        // A name server behind the tunnel: whatever.test is 10.88.0.2.
        System.Diagnostics.Process names = network.Serve("/usr/bin/python3", "-c", """
            import socket
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.1', 5399)); print('ready', flush=True)
            while True:
                q, a = s.recvfrom(999)
                end = 12
                while q[end]: end += q[end] + 1
                question = q[12:end + 5]
                answer = b'\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x0a\x58\0\2' if question[-4:-2] == b'\0\1' else b''
                s.sendto(q[:2] + b'\x81\x80\0\1' + (b'\0\1' if answer else b'\0\0') + b'\0\0\0\0' + question + answer, a)
            """);
        Assert.Equal("ready", await names.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
        Outcome outcome = await network.RunAsync(Who.Root, "sh", "-c", $$"""
            get() { curl -s -m 20 "$@" | sha256sum | cut -c1-64; }
            get --socks5 127.0.0.1:8250 -U me:secret http://10.88.0.2/bytes/{{Size}}
            get --socks5-hostname 127.0.0.1:8250 -U me:secret http://[fd88::2]/bytes/{{Size}}
            get --socks5-hostname 127.0.0.1:8250 -U me:secret http://whatever.test/bytes/{{Size}}
            get -x http://127.0.0.1:8251 -U me:secret http://whatever.test/bytes/{{Size}}
            get -p -x http://127.0.0.1:8251 -U me:secret http://10.88.0.2/bytes/{{Size}}
            curl -s -m 20 --socks5 127.0.0.1:8250 -U me:wrong http://10.88.0.2/; echo $?
            curl -s -m 20 --socks5 127.0.0.1:8250 http://10.88.0.2/; echo $?
            curl -s -m 20 -o /dev/null -w '%{http_code}\n' -x http://127.0.0.1:8251 http://10.88.0.2/
            curl -s -m 20 -o /dev/null -w '%{http_code}\n' -x http://127.0.0.1:8251 -U me:secret http://10.88.0.2:9/
            curl -s -m 20 -o /dev/null -w '%{http_code}\n' -x http://127.0.0.1:8251 -U me:secret http://10.1.2.3/
            curl -s -m 20 -o /dev/null -w '%{http_code}\n' http://127.0.0.1:8251/
            """);
        string hash = PeerServer.HashOf(Size);
        Assert.Equal($"{hash}\n{hash}\n{hash}\n{hash}\n{hash}\n97\n97\n407\n502\n502\n400\n", outcome.Output.Replace("504", "502", StringComparison.Ordinal));
        await pair.EndAsync();
    }

    [Fact]
    public async Task G1_DatagramsOfAnUnconnectedSocketReachSeveralServersAndOnlyTheClientMaySend()
    {
        await network.RequireAsync("wg", "python3");
        System.Diagnostics.Process servers = network.Serve("/usr/bin/python3", "-c", """
            import socket, threading
            def serve(s, port):
                while True:
                    q, a = s.recvfrom(9999); s.sendto(str(port).encode() + b' ' + q, a)
            for port in (5391, 5392, 5393):
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.1', port))
                threading.Thread(target=serve, args=(s, port), daemon=True).start()
            print('ready', flush=True)
            threading.Event().wait()
            """);
        Assert.Equal("ready", await servers.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
        await using ProxyPair pair = await ProxyPair.StartAsync(network, 51_962, [],
            ["--ingress", "udp:53:127.0.0.1:5391", "--ingress", "udp:54:127.0.0.1:5392", "--ingress", "udp:55:127.0.0.1:5393"],
            ["--control", Path.Combine(network.Folder, "associate.sock"), "--state", "none", "--socks5", "127.0.0.1:8260"]);
        Outcome outcome = await network.RunAsync(Who.Root, "/usr/bin/python3", "-c", """
            import socket, struct
            c = socket.create_connection(('127.0.0.1', 8260), 60)
            c.sendall(b'\5\1\0'); assert c.recv(2) == b'\5\0'
            c.sendall(b'\5\3\0\1\0\0\0\0\0\0'); r = c.recv(10); assert r[:4] == b'\5\0\0\1', r
            relay = (socket.inet_ntoa(r[4:8]), struct.unpack('>H', r[8:])[0])
            u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(('127.0.0.1', 0))
            def v4(port, text, fragment=0): return b'\0\0' + bytes([fragment]) + b'\1' + socket.inet_aton('10.88.0.2') + struct.pack('>H', port) + text
            def v6(port, text): return b'\0\0\0\4' + socket.inet_pton(socket.AF_INET6, 'fd88::2') + struct.pack('>H', port) + text
            def size(a): return 10 if a[3] == 1 else 22
            answers = set()
            def ask(query):
                # Repeated, as a loaded machine may lose a datagram; what answers an earlier one is passed over.
                u.settimeout(4)
                for attempt in range(8):
                    u.sendto(query, relay)
                    try:
                        while (a := u.recv(9999))[size(a):].decode() in answers: pass
                        return a
                    except TimeoutError: pass
                raise SystemExit('no answer')
            for query in (v4(53, b'one'), v4(54, b'two'), v6(55, b'three'), v4(53, b'four')):
                a = ask(query)
                assert a[:size(a)] == query[:size(a)], (a, query)
                answers.add(a[size(a):].decode())
            print(sorted(answers))
            u.settimeout(1)
            stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); stranger.bind(('127.0.0.2', 0)); stranger.settimeout(1)
            def silent(s, *datagrams):
                for d in datagrams: s.sendto(d, relay)
                try:
                    while (a := s.recv(9999))[size(a):].decode() in answers: pass
                    return a
                except TimeoutError: return 'silent'
            print(silent(stranger, v4(53, b'x')), silent(u, v4(53, b'x', 1), b'', b'\0', v4(53, b'')[:9], b'\1\1\0\1' + bytes(6)))
            c.close()
            import time
            u.connect(relay)
            for i in range(600):
                try: u.send(v4(53, b'late')); time.sleep(.1)
                except ConnectionRefusedError: print('gone'); break
            """);
        Assert.Equal("['5391 four', '5391 one', '5392 two', '5393 three']\nsilent silent\ngone\n", outcome.Output + outcome.Errors);
        await pair.EndAsync();
    }

    [Fact]
    public async Task AllIngressReachesEveryPortOfLoopbackButOurOwn()
    {
        await network.RequireAsync("wg", "curl", "python3");
        await using ProxyPair pair = await ProxyPair.StartAsync(network, 51_964, [
            "--egress", $"tcp:8271:10.88.0.2:{PeerServer.Http}", "--egress", $"tcp:8272:[fd88::2]:{PeerServer.Http}", "--egress", "tcp:8273:10.88.0.2:9",
            "--egress", "tcp:8274:10.88.0.2:8279", "--egress", $"udp:8275:10.88.0.2:{PeerServer.Echo}"],
            ["--all-ingress", "--metrics", "127.0.0.1:8279", "--state", "none"], ["--control", "none"]);
        Outcome outcome = await network.RunAsync(Who.Root, "sh", "-c", $$"""
            curl -s -m 20 http://127.0.0.1:8271/bytes/{{Size}} | sha256sum | cut -c1-64
            curl -s -m 20 http://127.0.0.1:8272/bytes/{{Size}} | sha256sum | cut -c1-64
            curl -s -m 20 -o /dev/null -w '%{http_code}\n' http://127.0.0.1:8273/
            curl -s -m 20 -o /dev/null -w '%{http_code}\n' http://127.0.0.1:8274/metrics
            /usr/bin/python3 -c "
            import socket
            {{Repeating.Ask}}
            print(ask(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), b'datagram', ('127.0.0.1', 8275)).decode())
            "
            """);
        Assert.Equal($"{PeerServer.HashOf(Size)}\n{PeerServer.HashOf(Size)}\n000\n000\ndatagram\n", outcome.Output);
        await pair.EndAsync();
    }

    [Fact]
    public async Task G9_ADoorForEverybodyIsNotOpened()
    {
        await network.RequireAsync("wg");
        (string near, _) = await ProxyPair.FilesAsync(network, "public", 51_966);
        foreach (string[] words in (string[][])[["--socks5", "0.0.0.0:8281"], ["--http", "[::]:8281"], ["--http", "10.1.1.1:8281"]])
        {
            Outcome outcome = await network.RunAsync(Who.Root, [.. TestNetwork.Ginnel("proxy", "--config", near, "--check"), .. words]);
            Assert.Equal(2, outcome.ExitCode);
            Assert.Contains("could be used by everybody", outcome.Errors);
        }
    }
}
