using System.Diagnostics;
using System.Globalization;
using Ginnel.Interop.Guests;
using Ginnel.Interop.Running;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.WireGuard;

/// <summary><c>ginnel proxy</c> as an ordinary user, whose peer is the Linux kernel.</summary>
[Collection<GuestCollection>]
public sealed class KernelProxyTests(GuestNetwork network)
{
    private const int Size = 300_000, Local = 7_300;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task PortsLeadToTheKernelAndBack(bool theyBegin)
    {
        await network.RequireAsync();
        TestPrograms.Require("socat");
        await using KernelTunnel tunnel = await KernelTunnel.StartTheirsAsync(network, new KernelTunnelOptions(TheyBegin: theyBegin, HasPresharedKey: true));
        string file = await FileAsync(tunnel, theyBegin);
        using Process server = Caller.Start(Who.Root, ["socat", "-t", "20", $"TCP6-LISTEN:{Local},fork,reuseaddr", "EXEC:sha256sum"], network.Enter);
        using Process proxy = Caller.Start(Who.UserWithoutTun,
        [
            .. TestNetwork.Ginnel("proxy", "--config", file),
            "--egress", $"tcp:8108:{tunnel.TheirV4}:{GuestServers.Hash}", "--egress", $"tcp:8109:[{tunnel.TheirV6}]:{GuestServers.Source}",
            "--egress", $"udp:8107:{tunnel.TheirV4}:{GuestServers.Echo}", "--ingress", $"tcp:80:127.0.0.1:{Local}", "--ingress", $"tcp:81:[::1]:{Local}",
        ], network.Enter);
        try
        {
            for (int line = 0; line < 6; line++) await proxy.StandardError.ReadLineAsync(TestContext.Current.CancellationToken);
            // Who does not know where the peer is has to be spoken to first.
            if (theyBegin) Assert.Contains(" 0% packet loss", await network.Guest.DoAsync($"ping -c 1 -W 20 {tunnel.OurV4}"));
            Outcome outcome = await Caller.RunAsync(Who.Root, ["sh", "-c", $"""
                head -c {Size} /dev/zero | socat -t 20 - TCP:127.0.0.1:8108
                socat -u TCP6:[::1]:8109 - | sha256sum
                for i in 1 2 3 4 5 6 7 8; do said=$(echo datagram | socat -t 2 - UDP:127.0.0.1:8107); [ "$said" ] && break; done; echo "$said"
                for i in $(seq 200); do socat -u OPEN:/dev/null TCP6:[::1]:{Local} 2>/dev/null && break; sleep 0.05; done
                """], network.Enter);
            string hashOfZeros = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(new byte[Size]));
            Assert.Equal($"{hashOfZeros}  -\n{GuestServers.HashOfFile}  -\ndatagram\n", outcome.Output);
            string answers = await network.Guest.DoAsync($"""
                socat -t 20 - TCP:{tunnel.OurV4}:80 <{GuestServers.File}
                socat -t 20 - TCP6:[{tunnel.OurV6}]:81 <{GuestServers.File}
                """);
            Assert.Equal($"{GuestServers.HashOfFile}  -\n{GuestServers.HashOfFile}  -\n", answers);
            await Caller.RunAsync(Who.Root, "kill", "-TERM", proxy.Id.ToString(CultureInfo.InvariantCulture));
            Outcome ended = await Caller.FinishAsync(proxy);
            Assert.True(ended.ExitCode == 0, ended.Errors);
        }
        finally
        {
            foreach (Process process in (Process[])[server, proxy])
                if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    private async Task<string> FileAsync(KernelTunnel tunnel, bool theyBegin)
    {
        string file = Path.Combine(network.Folder, $"{tunnel.Name}.conf");
        await File.WriteAllTextAsync(file, string.Create(CultureInfo.InvariantCulture, $"""
            [Interface]
            PrivateKey = {tunnel.Keys.OurPrivate}
            Address = {tunnel.OurV4}/32, {tunnel.OurV6}/128
            ListenPort = {tunnel.Port}
            [Peer]
            PublicKey = {tunnel.Keys.TheirPublic}
            PresharedKey = {tunnel.Keys.Preshared}
            AllowedIPs = {tunnel.TheirV4}/32, {tunnel.TheirV6}/128
            {(theyBegin ? "" : string.Create(CultureInfo.InvariantCulture, $"Endpoint = {GuestNetwork.GuestAddress}:{tunnel.Port + 1_000}"))}
            """));
        // The proxy's user is another than ours.
        File.SetUnixFileMode(network.Folder, (UnixFileMode)0b111_101_101);
        File.SetUnixFileMode(file, (UnixFileMode)0b110_100_100);
        return file;
    }
}
