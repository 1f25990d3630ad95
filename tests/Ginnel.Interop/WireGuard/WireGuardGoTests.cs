using System.Globalization;
using Ginnel.Interop.Running;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.WireGuard;

/// <summary>F13: our WireGuard against wireguard-go under the kernel's TCP, in both roles.</summary>
public sealed class WireGuardGoTests(TestNetwork network)
{
    private const int Size = 4 << 20;
    private static int s_next;

    [Theory]
    [InlineData("we begin", TestNetwork.PeerAddress, false, 1_420)]
    [InlineData("we begin, with a preshared key", TestNetwork.PeerAddress, true, 1_280)]
    [InlineData("we begin, over IPv6", "[" + TestNetwork.PeerAddressV6 + "]", false, 1_420)]
    [InlineData("we begin, and the outside is fragmented", TestNetwork.PeerAddress, false, 4_000)]
    [InlineData("we begin, by portable sockets", TestNetwork.PeerAddress, true, 1_420)]
    public async Task F13_BothWaysThroughATunnelThatWeBegin(string name, string outside, bool hasPresharedKey, int mtu)
    {
        await network.RequireAsync("wg", "wireguard-go");
        (string ours, string theirs, string preshared) = await KeysAsync(hasPresharedKey);
        int number = Interlocked.Increment(ref s_next);
        int port = 51_900 + number;
        string zero = name.Contains("portable", StringComparison.Ordinal) ? "0" : "";
        await using Tunnel tunnel = await Tunnel.StartAsync(network, number, theirs, port, await PublicAsync(ours), preshared, null, mtu);
        await using EndProcess end = await EndProcess.StartAsync(network.EnterHost, ours, await PublicAsync(theirs), preshared,
            string.Create(CultureInfo.InvariantCulture, $"{zero}{port}"), string.Create(CultureInfo.InvariantCulture, $"{outside}:{port}"),
            mtu.ToString(CultureInfo.InvariantCulture), tunnel.OurAddresses);
        foreach (string address in (string[])[tunnel.TheirV4, $"[{tunnel.TheirV6}]"])
        {
            Assert.Equal(PeerServer.HashOf(Size), await end.AskAsync($"get http://{address}:{PeerServer.Http}/bytes/{Size}"));
            Assert.Equal(PeerServer.HashOf(Size), await end.AskAsync($"put http://{address}:{PeerServer.Http}/upload {Size}"));
        }
        Outcome echoed = await network.RunAtPeerAsync("/usr/bin/python3", "-c", EchoScript(tunnel.OurV4));
        Assert.Equal("True\n", echoed.Output);
        Assert.Contains("BadTransport = 0", await end.AskAsync("counters"));
        await end.EndAsync();
    }

    [Fact]
    public async Task F13_BothWaysThroughATunnelThatTheyBegin()
    {
        await network.RequireAsync("wg", "wireguard-go", "python3");
        (string ours, string theirs, string preshared) = await KeysAsync(true);
        int number = Interlocked.Increment(ref s_next);
        int port = 51_900 + number;
        await using Tunnel tunnel = await Tunnel.StartAsync(network, number, theirs, port, await PublicAsync(ours), preshared,
            string.Create(CultureInfo.InvariantCulture, $"{TestNetwork.HostAddress}:{port}"), 1_420);
        await using EndProcess end = await EndProcess.StartAsync(network.EnterHost, ours, await PublicAsync(theirs), preshared,
            port.ToString(CultureInfo.InvariantCulture), "-", "1420", tunnel.OurAddresses);
        Outcome echoed = await network.RunAtPeerAsync("/usr/bin/python3", "-c", EchoScript(tunnel.OurV4));
        Assert.Equal("True\n", echoed.Output);
        echoed = await network.RunAtPeerAsync("ping", "-c", "2", "-W", "20", tunnel.OurV6);
        Assert.Contains(" 0% packet loss", echoed.Output);
        // Now that we know where they are, we can speak as well.
        Assert.Equal(PeerServer.HashOf(Size), await end.AskAsync($"get http://{tunnel.TheirV4}:{PeerServer.Http}/bytes/{Size}"));
        Assert.Contains($"{TestNetwork.PeerAddress}:{port}", await end.AskAsync("peer"));
        await end.EndAsync();
    }

    private static string EchoScript(string address) => $"""
        import socket, threading, os
        s = socket.create_connection(('{address}', 7), 60)
        data = os.urandom(2 << 20)
        def send():
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
        threading.Thread(target=send, daemon=True).start()
        got = b''
        while True:
            piece = s.recv(1 << 16)
            if not piece: break
            got += piece
        print(got == data)
        """;

    private static async Task<(string Ours, string Theirs, string Preshared)> KeysAsync(bool hasPresharedKey)
    {
        string[] keys = (await Caller.RunAsync(Who.Root, "sh", "-c", "wg genkey; wg genkey; wg genpsk")).Output.Split('\n');
        return (keys[0], keys[1], hasPresharedKey ? keys[2] : "-");
    }

    private static async Task<string> PublicAsync(string key) => (await Caller.RunAsync(Who.Root, "sh", "-c", $"echo {key} | wg pubkey")).Output.Trim();
}
