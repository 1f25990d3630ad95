using System.Diagnostics;
using System.Text;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.Running;

/// <summary>The host's loopback, published ports, ping, and what else lies between the host and the sandbox.</summary>
public sealed class HostTests(TestNetwork network)
{
    /// <summary>Serves one TCP connection on the host's loopback while the words run.</summary>
    // A client may have to ask twice, so the server ends when it is told to; if that is lost, by itself.
    private const string AnswerUntilTheEnd = """
        while True:
            try: d,a=s.recvfrom(99)
            except TimeoutError: break
            if d==b'end': break
            s.sendto(b'hello '+a[0].encode(),a)
            s.settimeout(40)
        """;

    private async Task<Outcome> WithLoopbackServerAsync(params string[] words)
    {
        string server = "import socket\ns=socket.socket()\ns.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1)\ns.bind(('127.0.0.1',7777))\ns.listen(8)\nprint('up',flush=True)\nwhile True:\n c,a=s.accept()\n c.sendall(b'loopback')\n c.close()";
        using Process process = network.Start(Who.Root, "/usr/bin/python3", "-c", server);
        try
        {
            Assert.Equal("up", await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
            return await network.RunAsync(Who.Root, words);
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }
    }

    private static string Connect(string host) =>
        $"import socket,errno\ntry:\n s=socket.create_connection(('{host}',7777),60); print(s.recv(100).decode())\nexcept OSError as e: print(errno.errorcode.get(e.errno,e))";

    [Fact]
    public async Task TheHostsLoopbackIsClosed()
    {
        await network.RequireAsync("python3");
        Outcome outcome = await WithLoopbackServerAsync([.. TestNetwork.Ginnel("run", "--no-ipv6"), "/usr/bin/python3", "-c", Connect("10.0.2.4") + "\n" + Connect("127.0.0.1")]);
        Assert.Equal("ECONNREFUSED\nECONNREFUSED\n", outcome.Output);
    }

    [Theory]
    [InlineData("host.ginnel.internal")]
    [InlineData("host.docker.internal")]
    public async Task TheHostsLoopbackCanBeOpened(string name)
    {
        await network.RequireAsync("python3");
        Outcome outcome = await WithLoopbackServerAsync([.. TestNetwork.Ginnel("run", "--host-loopback"), "/usr/bin/python3", "-c", Connect(name)]);
        Assert.Equal("loopback\n", outcome.Output);
    }

    [Theory]
    [InlineData(Who.Root, "127.0.0.1", "tcp")]
    [InlineData(Who.UserWithTun, "127.0.0.1", "tcp")]
    [InlineData(Who.UserWithoutTun, "127.0.0.1", "tcp")]
    [InlineData(Who.UserWithTun, "0.0.0.0", "tcp")]
    [InlineData(Who.Root, "127.0.0.1", "udp")]
    [InlineData(Who.UserWithoutTun, "127.0.0.1", "udp")]
    public async Task PublishedPortsReachWhereverTheProgramListens(Who who, string address, string protocol)
    {
        await network.RequireAsync("python3");
        string serve = protocol == "tcp"
            ? $"s=socket.socket()\ns.bind(('{address}',9777))\ns.listen(5)\nprint('up',flush=True)\nc,a=s.accept()\nc.sendall(('hello '+a[0]).encode())\nc.close()"
            : $"s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\ns.bind(('{address}',9777))\nprint('up',flush=True)\n{AnswerUntilTheEnd}";
        using Process inside = network.Start(who, [.. TestNetwork.Ginnel("run", "-p", $"18777:9777/{protocol}"), "/usr/bin/python3", "-c", "import socket\n" + serve]);
        Assert.Equal("up", await inside.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
        string ask = protocol == "tcp"
            ? "s=socket.create_connection(('127.0.0.1',18777),60)\nprint(s.recv(99).decode())"
            : Repeating.Ask + "\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\nto=('127.0.0.1',18777)\nprint(ask(s,b'x',to).decode())\ns.sendto(b'end',to)";
        Outcome asked = await network.RunAsync(Who.Root, "/usr/bin/python3", "-c", "import socket\n" + ask);
        Assert.Equal("hello 10.0.2.2\n", asked.Output);
        Outcome ended = await Caller.FinishAsync(inside);
        Assert.Equal(0, ended.ExitCode);
    }

    [Theory]
    [InlineData(Who.Root, "::1", "tcp")]
    [InlineData(Who.UserWithTun, "::1", "tcp")]
    [InlineData(Who.UserWithoutTun, "::1", "tcp")]
    [InlineData(Who.Root, "::1", "udp")]
    [InlineData(Who.UserWithTun, "::1", "udp")]
    [InlineData(Who.UserWithoutTun, "::1", "udp")]
    [InlineData(Who.Root, "fd00:2::64", "tcp")]
    [InlineData(Who.UserWithTun, "fd00:2::64", "udp")]
    public async Task PublishedPortsReachProgramsThatListenOnIpv6Only(Who who, string address, string protocol)
    {
        await network.RequireAsync("python3");
        string port = protocol == "tcp" ? "18778" : "18779";
        // Three clients, of which the later ones are to find their way at once: kernels limit their refusals by rate.
        string serve = protocol == "tcp"
            ? $"s=socket.socket(socket.AF_INET6)\ns.bind(('{address}',9778))\ns.listen(5)\nprint('up',flush=True)\nfor i in range(3):\n c,a=s.accept()\n c.sendall(('hello '+a[0]).encode())\n c.close()"
            : $"s=socket.socket(socket.AF_INET6,socket.SOCK_DGRAM)\ns.bind(('{address}',9778))\nprint('up',flush=True)\n{AnswerUntilTheEnd}";
        using Process inside = network.Start(who, [.. TestNetwork.Ginnel("run", "-p", $"{port}:9778/{protocol}"), "/usr/bin/python3", "-c", "import socket\n" + serve]);
        Assert.Equal("up", await inside.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
        await using Reaper reaper = new(inside);
        string ask = protocol == "tcp"
            ? $"for i in range(3):\n s=socket.create_connection(('127.0.0.1',{port}),60)\n print(s.recv(99).decode())"
            : Repeating.Ask + $"\nto=('127.0.0.1',{port})\nfor i in range(3):\n s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\n print(ask(s,b'x',to).decode())\ns.sendto(b'end',to)";
        Outcome asked = await network.RunAsync(Who.Root, "/usr/bin/python3", "-c", "import socket\n" + ask);
        Assert.Equal("hello fd00:2::2\nhello fd00:2::2\nhello fd00:2::2\n", asked.Output);
        Outcome ended = await Caller.FinishAsync(inside);
        Assert.Equal((0, ""), (ended.ExitCode, ended.Errors));
    }

    [Theory]
    [InlineData(Who.UserWithTun)]
    [InlineData(Who.UserWithoutTun)]
    public async Task APublishedPortOnTheIpv6LoopbackCarriesMuchBothWays(Who who)
    {
        await network.RequireAsync("python3");
        const string Serve = "import socket,hashlib\ns=socket.socket(socket.AF_INET6)\ns.bind(('::1',9780))\ns.listen(5)\nprint('up',flush=True)\nc,a=s.accept()\nn=0\nh=hashlib.sha256()\nwhile n<8000000:\n d=c.recv(65536)\n n+=len(d)\n h.update(d)\nc.sendall(h.hexdigest().encode()+b'y'*8000000)\nc.close()";
        using Process inside = network.Start(who, [.. TestNetwork.Ginnel("run", "-p", "18780:9780"), "/usr/bin/python3", "-c", Serve]);
        Assert.Equal("up", await inside.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
        await using Reaper reaper = new(inside);
        Outcome asked = await network.RunAsync(Who.Root, "/usr/bin/python3", "-c",
            "import socket,hashlib,os\nb=os.urandom(8000000)\ns=socket.create_connection(('127.0.0.1',18780),60)\ns.settimeout(60)\ns.sendall(b)\nr=b''\nwhile True:\n d=s.recv(1<<20)\n if not d: break\n r+=d\nprint(r[:64].decode()==hashlib.sha256(b).hexdigest(), r[64:]==b'y'*8000000)");
        Assert.Equal("True True\n", asked.Output);
        Assert.Equal(0, (await Caller.FinishAsync(inside)).ExitCode);
    }

    [Fact]
    public async Task APublishedPortThatIsTakenFailsTheStart()
    {
        await network.RequireAsync("python3");
        Outcome outcome = await WithLoopbackServerAsync(TestNetwork.Ginnel("run", "-p", "7777", "echo", "ran"));
        Assert.Equal(125, outcome.ExitCode);
        Assert.Equal("", outcome.Output);
        Assert.Contains("127.0.0.1:7777", outcome.Errors);
    }

    [Theory]
    [InlineData(Who.Root, "198.18.0.2")]
    [InlineData(Who.UserWithTun, "198.18.0.2")]
    [InlineData(Who.UserWithoutTun, "198.18.0.2")]
    [InlineData(Who.UserWithTun, "fd77::2")]
    [InlineData(Who.Root, "fd77::2")]
    public async Task PingWorks(Who who, string address)
    {
        await network.RequireAsync("ping");
        Outcome outcome = await network.RunAsync(who, [.. TestNetwork.Ginnel("run"), "ping", "-c", "2", "-i", "0.2", "-W", "10", address]);
        Assert.True(outcome.Output.Contains("2 received", StringComparison.Ordinal), outcome.Output + outcome.Errors);
    }

    [Fact]
    public async Task TheStatusPageShowsLiveFlows()
    {
        await network.RequireAsync("python3", "curl");
        Outcome outcome = await network.RunAsync(Who.Root, [.. TestNetwork.Ginnel("run"), "/usr/bin/python3", "-c",
            $"import socket,subprocess,json\ns=socket.create_connection(('{TestNetwork.PeerAddress}',{PeerServer.Echo}),10)\ns.sendall(b'x'*1000)\nn=0\nwhile n<1000: n+=len(s.recv(9999))\nj=json.loads(subprocess.check_output(['curl','-s','-m','10','http://ginnel.internal/json']))\nf=j['flows'][0]\nprint(f['protocol'],f['destination'],f['bytesUp'],f['bytesDown'])\nprint('<table>' in subprocess.check_output(['curl','-s','-m','10','-H','Accept: text/html','http://ginnel.internal/']).decode())"]);
        Assert.Equal($"tcp {TestNetwork.PeerAddress}:{PeerServer.Echo} 1000 1000\nTrue\n", outcome.Output);
    }

    [Fact]
    public async Task WithoutStatusPageNobodyListens()
    {
        await network.RequireAsync("curl");
        Outcome outcome = await network.RunAsync(Who.Root, [.. TestNetwork.Ginnel("run", "--no-status"), "curl", "-s", "-m", "10", "http://ginnel.internal/"]);
        Assert.Equal(7, outcome.ExitCode);
    }

    [Fact]
    public async Task ASubnetCanBeNamed()
    {
        await network.RequireAsync("curl");
        Outcome outcome = await network.RunAsync(Who.UserWithTun, [.. TestNetwork.Ginnel("run", "--subnet", "192.168.77.0/28", "--subnet", "fd99::/64"), "curl", "-s", "-m", "10", "http://ginnel.internal/"]);
        Assert.Contains("192.168.77.4/28", outcome.Output);
        Assert.Contains("fd99::64/64", outcome.Output);
    }

    [Fact]
    public async Task WhatTheProgramWroteLastIsDelivered()
    {
        await network.RequireAsync("python3", "curl");
        // Writes a megabyte and ends at once, without closing: the kernel still holds most of it.
        string file = Path.Combine(network.Folder, "last");
        using Process peer = network.Serve("/usr/bin/python3", "-c",
            $"import socket\ns=socket.socket()\ns.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1)\ns.bind(('0.0.0.0',7005))\ns.listen(1)\nprint('up',flush=True)\nc,a=s.accept()\nn=0\nwhile True:\n d=c.recv(65536)\n if not d: break\n n+=len(d)\nprint(n,flush=True)");
        Assert.Equal("up", await peer.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
        Outcome outcome = await network.RunAsync(Who.Root, [.. TestNetwork.Ginnel("run"), "/usr/bin/python3", "-c",
            $"import socket,os\ns=socket.create_connection(('{TestNetwork.PeerAddress}',7005),10)\ns.sendall(b'z'*1000000)\nos._exit(0)"]);
        Assert.Equal(0, outcome.ExitCode);
        Assert.Equal("1000000", await peer.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
    }
}
