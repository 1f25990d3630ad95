using Ginnel.Interop.Running;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.WireGuard;

/// <summary>nexd's own list: every family into every family on both protocols, both directions at once, and the way through one's own ingress.</summary>
public sealed class ProxyMatrixTests(TestNetwork network)
{
    [Fact]
    public async Task EveryFamilyLeadsToEveryFamilyOnBothProtocolsAndBothWaysAtOnce()
    {
        await network.RequireAsync("wg", "curl", "python3");
        List<string> near = ["--metrics", "127.0.0.1:8398", "--ingress", "tcp:99:127.0.0.1:8398", "--egress", "tcp:8397:10.88.0.1:99", "--egress", "tcp:8396:[fd88::1]:99"];
        List<string> far = ["--egress", "tcp:8391:10.88.0.1:99"];
        // The port tells the way: 83 or 9, protocol, family in the tunnel, family behind it.
        foreach (string protocol in (string[])["tcp", "udp"])
        {
            foreach (int family in (int[])[4, 6])
            {
                far.AddRange(["--ingress", $"{protocol}:9{family}:{(family == 4 ? "127.0.0.1" : "[::1]")}:{PeerServer.Echo}"]);
                foreach (int inside in (int[])[4, 6]) near.AddRange(["--egress", $"{protocol}:83{inside}{family}:{(inside == 4 ? "10.88.0.2" : "[fd88::2]")}:9{family}"]);
            }
        }
        await using ProxyPair pair = await ProxyPair.StartAsync(network, 51_950, [.. near], [.. far]);
        Outcome outcome = await network.RunAsync(Who.Root, "/usr/bin/python3", "-c", $"""
            import socket
            {Repeating.Ask}
            good = 0
            for address, family in (('127.0.0.1', socket.AF_INET), ('::1', socket.AF_INET6)):
                for port in (8344, 8346, 8364, 8366):
                    t = socket.create_connection((address, port), 60); t.sendall(b'stream %d' % port)
                    assert t.recv(99) == b'stream %d' % port; good += 1
                    assert ask(socket.socket(family, socket.SOCK_DGRAM), b'datagram %d' % port, (address, port)) == b'datagram %d' % port; good += 1
            print(good)
            """);
        Assert.Equal("16\n", outcome.Output + outcome.Errors);
        Assert.Equal("ok\nok\n", (await network.RunAsync(Who.Root, "curl", "-s", "-m", "20", "http://127.0.0.1:8397/healthz", "http://127.0.0.1:8396/healthz")).Output);
        Assert.Equal("ok\n", (await network.RunAtPeerAsync("curl", "-s", "-m", "20", "http://127.0.0.1:8391/healthz")).Output);
        await pair.EndAsync();
    }
}
