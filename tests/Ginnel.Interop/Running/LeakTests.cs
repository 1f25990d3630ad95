using System.Diagnostics;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.Running;

/// <summary>Nothing leaves the sandbox but through the gateway's own sockets; without the gateway nothing leaves at all.</summary>
public sealed class LeakTests(TestNetwork network)
{
    /// <summary>Sends what it can in every way that it knows, to an address that the capture watches for.</summary>
    private static string Probe(string target) => $$"""
        import socket, struct
        def attempt(f):
            try: f()
            except OSError as e: print(type(e).__name__, flush=True)
        def tcp(family, address):
            s = socket.socket(family); s.settimeout(1); s.connect((address, 81))
        def udp(family, address):
            s = socket.socket(family, socket.SOCK_DGRAM); s.sendto(b'leak-probe', (address, 82))
        def raw(protocol):
            s = socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol); s.sendto(b'leak-probe-raw', ('{{target}}', 0))
        def packet():
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            for _, name in socket.if_nameindex():
                try: s.bind((name, 0)); s.send(b'\x45\0\0\x20leak-probe-packet' + b'\0' * 40)
                except OSError: pass
        attempt(lambda: tcp(socket.AF_INET, '{{target}}'))
        attempt(lambda: tcp(socket.AF_INET6, '{{TestNetwork.PeerAddressV6}}'))
        attempt(lambda: udp(socket.AF_INET, '{{target}}'))
        attempt(lambda: udp(socket.AF_INET6, '{{TestNetwork.PeerAddressV6}}'))
        for p in (1, 47, 50, 132, 253): attempt(lambda: raw(p))
        attempt(packet)
        print('sent', flush=True)
        """;

    private async Task<(Process Capture, string File)> CaptureAsync(string name)
    {
        string file = Path.Combine(network.Folder, name + ".pcap");
        Process capture = network.Start(Who.Root, "tcpdump", "-i", "cable", "-U", "-n", "-w", file, "--immediate-mode");
        while (await capture.StandardError.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            if (line.Contains("listening on", StringComparison.Ordinal)) break;
        }
        return (capture, file);
    }

    private async Task<string> EndAsync(Process capture, string file)
    {
        // tcpdump drops at its end what it has not looked at yet: it has seen everything when it has seen what was sent last.
        Outcome marked = await network.RunAsync(Who.Root, "/usr/bin/python3", "-c", $"""
            import socket, time
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            for i in range(600):
                s.sendto(b'the end of it', ('{TestNetwork.PeerAddress}', 9))
                if b'the end of it' in open('{file}', 'rb').read(): break
                time.sleep(.1)
            else: raise SystemExit('the capture does not end')
            """);
        Assert.True(marked.ExitCode == 0, marked.Errors);
        await Caller.RunAsync(Who.Root, ["kill", "-INT", capture.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        await Caller.FinishAsync(capture);
        capture.Dispose();
        // Without the time of day: ".81" may stand in it.
        return (await Caller.RunAsync(Who.Root, ["tcpdump", "-n", "-t", "-r", file])).Output;
    }

    [Theory]
    [InlineData(Who.Root)]
    [InlineData(Who.UserWithTun)]
    [InlineData(Who.UserWithoutTun)]
    public async Task OnlyTheGatewaysOwnSocketsSpeak(Who who)
    {
        await network.RequireAsync("tcpdump", "python3");
        (Process capture, string file) = await CaptureAsync($"leak-{who}");
        Outcome outcome = await network.RunAsync(who, [.. TestNetwork.Ginnel("run"), "/usr/bin/python3", "-c", Probe(TestNetwork.PeerAddress)]);
        Assert.EndsWith("sent\n", outcome.Output);
        string seen = await EndAsync(capture, file);
        // The connections that were asked for are there, in the host's name; addresses of the sandbox and foreign protocols are not.
        Assert.Contains(seen.Split('\n'), line => line.Contains($"{TestNetwork.HostAddress}.", StringComparison.Ordinal) && line.Contains(".81:", StringComparison.Ordinal));
        Assert.DoesNotContain("10.0.2.", seen);
        Assert.DoesNotContain("fd00:2:", seen);
        foreach (string line in seen.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            Assert.True(line.Contains("Flags [", StringComparison.Ordinal) || line.Contains("UDP", StringComparison.Ordinal) || line.Contains("ICMP", StringComparison.Ordinal) || line.Contains("ARP", StringComparison.Ordinal), line);
            Assert.DoesNotContain("GRE", line);
        }
    }

    [Theory]
    [InlineData(Who.Root)]
    [InlineData(Who.UserWithTun)]
    [InlineData(Who.UserWithoutTun)]
    public async Task WithTheGatewayKilledNothingLeaves(Who who)
    {
        await network.RequireAsync("tcpdump", "python3");
        string go = Path.Combine(network.Folder, $"go-{who}"), done = Path.Combine(network.Folder, $"done-{who}");
        string script = $"import os,time,sys\nprint(os.getppid(),flush=True)\nopen('{done}.pid','w').write(str(os.getpid()))\nwhile not os.path.exists('{go}'): time.sleep(0.02)\nsys.stdout=open('{done}.part','w')\n"
            // Until the device is gone with the gateway; from then on it tries.
            + "for i in range(600):\n if open('/proc/net/dev').read().count(':')==1: break\n time.sleep(.1)\n" + Probe(TestNetwork.PeerAddress) + $"\nprint(open('/proc/net/dev').read().count(':'),flush=True)\nos.rename('{done}.part','{done}')";
        using Process gateway = network.Start(who, [.. TestNetwork.Ginnel("run"), "/usr/bin/python3", "-c", script]);
        string? pid = await gateway.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);
        Assert.NotNull(pid);
        (Process capture, string file) = await CaptureAsync($"killed-{who}");
        await Caller.RunAsync(Who.Root, ["kill", "-KILL", pid]);
        await File.WriteAllTextAsync(go, "", TestContext.Current.CancellationToken);
        // The program lives on and tells what it has tried; if it was made to end with the gateway, that is as good.
        for (int i = 0; i < 1500 && !File.Exists(done); i++)
        {
            Outcome alive = await Caller.RunAsync(Who.Root, ["sh", "-c", $"kill -0 $(cat {done}.pid) 2>/dev/null && sleep 0.05"]);
            if (alive.ExitCode != 0) break;
        }
        string seen = await EndAsync(capture, file);
        Assert.DoesNotContain(".81", seen);
        Assert.DoesNotContain(".82", seen);
        Assert.DoesNotContain("leak", seen);
        // Of the devices only the loopback is left.
        if (File.Exists(done)) Assert.EndsWith("sent\n1\n", await File.ReadAllTextAsync(done, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task BeforeTheDeviceIsUpNothingLeaves()
    {
        await network.RequireAsync("tcpdump", "python3");
        (Process capture, string file) = await CaptureAsync("early");
        // The program's first act; the launch holds it back until its network is there.
        Outcome outcome = await network.RunAsync(Who.Root, [.. TestNetwork.Ginnel("run"), "/usr/bin/python3", "-c",
            $"import socket\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\ns.settimeout(30)\ns.sendto(b'first',('{TestNetwork.PeerAddress}',{PeerServer.Echo}))\nprint(s.recv(99))"]);
        Assert.Equal("b'first'\n", outcome.Output);
        string seen = await EndAsync(capture, file);
        Assert.DoesNotContain("10.0.2.", seen);
    }
}
