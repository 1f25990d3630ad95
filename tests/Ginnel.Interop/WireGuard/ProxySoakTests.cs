using System.Globalization;
using Ginnel.Interop.Running;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.WireGuard;

/// <summary>
/// A proxy under hours' worth of nuisance: sources of datagrams that come and go, a peer that dies and comes back, one that never was, targets that refuse
/// or do not answer. Ten minutes with GINNEL_LONG, seconds otherwise. Afterwards memory, descriptors and threads are where they were, and nothing spins.
/// </summary>
public sealed class ProxySoakTests(TestNetwork network)
{
    private static readonly int Seconds = Environment.GetEnvironmentVariable("GINNEL_LONG") is null ? 6 : 600;

    private const string Nuisance = """
        import os, resource, socket, sys, threading, time
        pid, seconds = sys.argv[1], float(sys.argv[2])
        begin = time.monotonic(); end = begin + seconds
        def status(name): return int(next(l for l in open(f'/proc/{pid}/status') if l.startswith(name)).split()[1])
        def state(): return len(os.listdir(f'/proc/{pid}/fd')), status('Threads'), status('VmRSS')
        def cpu(): return sum(map(int, open(f'/proc/{pid}/stat').read().rsplit(') ', 1)[1].split()[11:13])) / os.sysconf('SC_CLK_TCK')
        good = {'udp': 0, 'tcp': 0, 'refused': 0}
        # A session with the dead peer is noticed to be dead after fifteen seconds, and a loaded machine does less in a second: it takes what it takes.
        def going():
            now = time.monotonic()
            return now < end or now < end + 60 and not (good['udp'] > 20 and good['tcp'] > 20 and good['refused'] > 3)
        def settled(early, late): return late[0] <= early[0] + 8 and late[1] <= early[1] + 8
        def churn():
            while going():
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(.5)
                for port in (8311, 8312, 8313): s.sendto(b'x', ('127.0.0.1', port))
                try: s.recv(9); good['udp'] += 1
                except OSError: pass
                s.close(); time.sleep(.02)
        def connect(port, key, size):
            while going():
                try:
                    s = socket.create_connection(('127.0.0.1', port), 5); s.settimeout(5); s.sendall(b'y' * size)
                    if len(s.recv(9)) > 0: good[key] += 1
                    elif key == 'refused': good[key] += 1
                    s.close()
                except OSError:
                    if key == 'refused': good[key] += 1
                time.sleep(.01)
        threads = [threading.Thread(target=churn) for i in range(2)] + [threading.Thread(target=connect, args=a) for a in ((8314, 'tcp', 9000), (8315, 'refused', 1), (8316, 'refused', 1))]
        for t in threads: t.start()
        time.sleep(max(3, seconds / 5)); early = state(); print('early', flush=True)
        for t in threads: t.join()
        time.sleep(5); late = state(); patience = time.monotonic() + 60
        while not settled(early, late) and time.monotonic() < patience: time.sleep(.5); late = state()
        used = cpu(); time.sleep(3); idle = cpu() - used
        print(*early, *late, idle, good['udp'], good['tcp'], good['refused'])
        """;

    [Fact]
    public async Task NothingIsLeftBehind()
    {
        await network.RequireAsync("wg", "python3");
        const string DeadPeer = "[Peer]\nPublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\nAllowedIPs = 10.88.0.99/32\nEndpoint = 198.18.0.99:51999\nPersistentKeepalive = 1";
        string[] far = ["--ingress", $"tcp:80:127.0.0.1:{PeerServer.Echo}", "--ingress", $"udp:7:127.0.0.1:{PeerServer.Echo},idle=2s"];
        await using ProxyPair pair = await ProxyPair.StartAsync(network, 51_940, [], far,
            ["--control", Path.Combine(network.Folder, "soak.sock"), "--state", "none", "--egress", "udp:8311:10.88.0.2:7,idle=2s", "--egress", "udp:8312:10.88.0.99:7,idle=2s",
                "--egress", "udp:8313:10.88.0.2:9,idle=2s", "--egress", "tcp:8314:10.88.0.2:80", "--egress", "tcp:8315:10.88.0.2:9", "--egress", "tcp:8316:10.88.0.99:9,connect-timeout=1s"],
            DeadPeer);
        System.Diagnostics.Process nuisance = network.Start(Who.Root, "/usr/bin/python3", "-c", Nuisance,
            pair.Near.Id.ToString(CultureInfo.InvariantCulture), Seconds.ToString(CultureInfo.InvariantCulture));
        Assert.Equal("early", await nuisance.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
        await pair.RestartFarAsync(network, far);
        Outcome outcome = await Caller.FinishAsync(nuisance, TimeSpan.FromSeconds(Seconds + 240));
        double[] figures = [.. outcome.Output.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(word => double.Parse(word, CultureInfo.InvariantCulture))];
        TestContext.Current.TestOutputHelper?.WriteLine($"{Seconds} s: descriptors, threads, KiB early and late; idle CPU seconds of 3; answers by UDP, by TCP, refusals: {outcome.Output}");
        Assert.True(figures is [_, _, _, _, _, _, _, > 20, > 20, > 3], outcome.Output + outcome.Errors + pair.Said);
        Assert.InRange(figures[3], 1, figures[0] + 8);
        Assert.InRange(figures[4], 1, figures[1] + 8);
        Assert.InRange(figures[5], 1, figures[2] + (40 << 10));
        Assert.InRange(figures[6], 0, 0.5);
        await pair.EndAsync();
    }
}
