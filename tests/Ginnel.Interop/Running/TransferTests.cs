using System.Diagnostics;
using System.Globalization;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.Running;

/// <summary>Real programs do real work through <c>ginnel run</c>.</summary>
public sealed class TransferTests(TestNetwork network)
{
    /// <summary>1 MiB, or with GINNEL_LONG 1 GiB.</summary>
    private static readonly long Size = Environment.GetEnvironmentVariable("GINNEL_LONG") is null ? 1 << 20 : 1 << 30;

    public static TheoryData<Who> Everybody => [Who.Root, Who.UserWithTun, Who.UserWithoutTun];

    private static string Url(string path) => string.Create(CultureInfo.InvariantCulture, $"http://{TestNetwork.PeerAddress}:{PeerServer.Http}{path}");

    [Theory]
    [MemberData(nameof(Everybody))]
    public async Task TheStatusPageIsServedByTheStack(Who who)
    {
        await network.RequireAsync("curl");
        Outcome outcome = await network.RunAsync(who, [.. TestNetwork.Ginnel("run", "--"), "curl", "-s", "-m", "20", "http://ginnel.internal/"]);
        Assert.Equal("", outcome.Errors);
        Assert.Contains("10.0.2.100/24", outcome.Output);
    }

    [Theory]
    [MemberData(nameof(Everybody))]
    public async Task DownloadsArriveWhole(Who who)
    {
        await network.RequireAsync("curl");
        Outcome outcome = await network.RunAsync(who, [.. TestNetwork.Ginnel("run"), "sh", "-c", $"curl -s -m 120 {Url($"/bytes/{Size}")} | sha256sum"]);
        Assert.Equal("", outcome.Errors);
        Assert.StartsWith(PeerServer.HashOf(Size), outcome.Output);
    }

    [Theory]
    [MemberData(nameof(Everybody))]
    public async Task UploadsArriveWhole(Who who)
    {
        await network.RequireAsync("curl");
        string file = Path.Combine(network.Folder, $"upload-{who}");
        await using (FileStream stream = File.Create(file))
        {
            byte[] buffer = new byte[1 << 20];
            for (long at = 0; at < Size; at += buffer.Length)
            {
                PeerServer.Fill(buffer, at);
                await stream.WriteAsync(buffer, TestContext.Current.CancellationToken);
            }
        }
        Outcome outcome = await network.RunAsync(who, [.. TestNetwork.Ginnel("run"), "curl", "-s", "-m", "120", "-T", file, Url("/upload")]);
        File.Delete(file);
        Assert.Equal("", outcome.Errors);
        Assert.Equal(PeerServer.HashOf(Size), outcome.Output);
    }

    [Fact]
    public async Task DownloadsArriveWholeOverIpV6()
    {
        await network.RequireAsync("curl");
        Outcome outcome = await network.RunAsync(Who.Root, [.. TestNetwork.Ginnel("run"), "sh", "-c", $"curl -s -m 120 http://[{TestNetwork.PeerAddressV6}]:{PeerServer.Http}/bytes/{Size} | sha256sum"]);
        Assert.StartsWith(PeerServer.HashOf(Size), outcome.Output);
    }

    [Theory]
    [InlineData("576")]
    [InlineData("1280")]
    [InlineData("65520")]
    public async Task EveryMtuCarries(string mtu)
    {
        await network.RequireAsync("curl");
        Outcome outcome = await network.RunAsync(Who.Root, [.. TestNetwork.Ginnel("run", "--mtu", mtu), "sh", "-c", $"curl -s -m 120 {Url("/bytes/1048576")} | sha256sum"]);
        Assert.Equal("", outcome.Errors);
        Assert.StartsWith(PeerServer.HashOf(1 << 20), outcome.Output);
    }

    [Theory]
    [MemberData(nameof(Everybody))]
    public async Task RefusedIsRefusedAtOnce(Who who)
    {
        await network.RequireAsync("curl");
        Stopwatch watch = Stopwatch.StartNew();
        Outcome outcome = await network.RunAsync(who, [.. TestNetwork.Ginnel("run"), "sh", "-c", $"time -p curl -s -m 20 http://{TestNetwork.PeerAddress}:9/"]);
        Assert.Equal(7, outcome.ExitCode);
        // And not after the timeout of a dial, which is fifteen.
        Assert.True(Seconds(outcome.Errors) < 10, outcome.Errors);
    }

    [Fact]
    public async Task UnreachableIsUnreachable()
    {
        await network.RequireAsync("python3");
        // The peer's kernel answers for the neighbor that is not there: it forwards nothing.
        Outcome outcome = await network.RunAsync(Who.Root, [.. TestNetwork.Ginnel("run"), "/usr/bin/python3", "-c",
            $"import socket,errno\ns=socket.socket()\ns.settimeout(20)\ntry: s.connect(('{TestNetwork.NoSuchHost}',80))\nexcept OSError as e: print(errno.errorcode.get(e.errno,e))"]);
        Assert.Equal("EHOSTUNREACH\n", outcome.Output);
    }

    [Fact]
    public async Task AServerMaySpeakFirst()
    {
        await network.RequireAsync("python3");
        Outcome outcome = await network.RunAsync(Who.Root, [.. TestNetwork.Ginnel("run"), "/usr/bin/python3", "-c",
            $"import socket\ns=socket.create_connection(('{TestNetwork.PeerAddress}',{PeerServer.SpeaksFirst}),60)\nprint(s.recv(100))\ns.sendall(b'hello')\nprint(s.recv(100))\nprint(s.recv(100))"]);
        Assert.Equal("b'220 welcome\\r\\n'\nb'hello'\nb''\n", outcome.Output);
    }

    [Theory]
    [MemberData(nameof(Everybody))]
    public async Task AHalfClosedConnectionStillReads(Who who)
    {
        await network.RequireAsync("python3");
        Outcome outcome = await network.RunAsync(who, [.. TestNetwork.Ginnel("run"), "/usr/bin/python3", "-c", $$"""
            import socket, hashlib
            s = socket.create_connection(('{{TestNetwork.PeerAddress}}', {{PeerServer.HalfClose}}), 20)
            s.sendall(b'x' * 100000)
            s.shutdown(socket.SHUT_WR)
            h, n = hashlib.sha256(), 0
            while True:
                d = s.recv(65536)
                if not d: break
                h.update(d); n += len(d)
            print(n, h.hexdigest())
            """]);
        Assert.Equal($"{PeerServer.AfterHalfClose} {PeerServer.HashOf(PeerServer.AfterHalfClose)}\n", outcome.Output);
    }

    [Fact]
    public async Task AThousandConnectionsAtOnce()
    {
        await network.RequireAsync("python3");
        Outcome outcome = await network.RunAsync(Who.Root, [.. TestNetwork.Ginnel("run"), "/usr/bin/python3", "-c", $$"""
            import asyncio
            async def one(i):
                r, w = await asyncio.open_connection('{{TestNetwork.PeerAddress}}', {{PeerServer.Echo}})
                text = b'%d' % i * 100
                w.write(text); await w.drain()
                got = await r.readexactly(len(text))
                await barrier(); w.close()
                return got == text
            count = 0
            done = asyncio.Event()
            async def barrier():
                global count
                count += 1
                if count == 1000: done.set()
                await done.wait()
            async def main():
                print(sum(await asyncio.wait_for(asyncio.gather(*(one(i) for i in range(1000))), 130)))
            asyncio.run(main())
            """]);
        Assert.Equal("1000\n", outcome.Output);
    }

    [Theory]
    [InlineData("198.18.0.2")]
    [InlineData("fd77::2")]
    public async Task DatagramsAreAnswered(string address)
    {
        await network.RequireAsync("python3");
        Outcome outcome = await network.RunAsync(Who.Root, [.. TestNetwork.Ginnel("run"), "/usr/bin/python3", "-c", $$"""
            import socket
            f = socket.getaddrinfo('{{address}}', {{PeerServer.Echo}}, type=socket.SOCK_DGRAM)[0]
            {{Repeating.Ask}}
            for n in (0, 1, 1400, 8000): print(len(ask(socket.socket(f[0], socket.SOCK_DGRAM), b'u' * n, f[4])))
            """]);
        Assert.Equal("0\n1\n1400\n8000\n", outcome.Output);
    }

    private static double Seconds(string times) =>
        double.Parse(times.Split('\n').First(l => l.StartsWith("real ", StringComparison.Ordinal))[5..], CultureInfo.InvariantCulture);
}
