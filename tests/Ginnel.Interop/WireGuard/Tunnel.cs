using System.Diagnostics;
using System.Globalization;
using Ginnel.Interop.Running;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.WireGuard;

/// <summary>wireguard-go in the peer's namespace, with one peer: us.</summary>
internal sealed class Tunnel : IAsyncDisposable
{
    private readonly Process _process;
    private readonly int _number;

    private Tunnel(Process process, int number) => (_process, _number) = (process, number);

    public string OurV4 => string.Create(CultureInfo.InvariantCulture, $"10.77.{_number}.1");
    public string OurV6 => string.Create(CultureInfo.InvariantCulture, $"fd99:{_number}::1");
    public string TheirV4 => string.Create(CultureInfo.InvariantCulture, $"10.77.{_number}.2");
    public string TheirV6 => string.Create(CultureInfo.InvariantCulture, $"fd99:{_number}::2");
    public string OurAddresses => $"{OurV4}/24,{OurV6}/64";

    /// <summary>Starts and configures it.</summary>
    public static async Task<Tunnel> StartAsync(
        TestNetwork network, int number, string privateKey, int port, string peer, string preshared, string? endpoint, int mtu)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"gw{number}x{Environment.ProcessId % 100_000}");
        Process process = network.Serve("wireguard-go", "-f", name);
        Tunnel tunnel = new(process, number);
        string file = Path.Combine(network.Folder, name + ".conf");
        await File.WriteAllTextAsync(file, string.Create(CultureInfo.InvariantCulture, $"""
            [Interface]
            PrivateKey = {privateKey}
            ListenPort = {port}
            [Peer]
            PublicKey = {peer}
            {(preshared == "-" ? "" : $"PresharedKey = {preshared}")}
            AllowedIPs = {tunnel.OurV4}/32, {tunnel.OurV6}/128
            {(endpoint is null ? "" : $"Endpoint = {endpoint}")}
            """), TestContext.Current.CancellationToken);
        Outcome configured = await network.RunAtPeerAsync("sh", "-ec", $"""
            for i in $(seq 1000); do ip link show {name} >/dev/null 2>&1 && wg show {name} >/dev/null 2>&1 && break; sleep 0.05; done
            wg setconf {name} {file}
            ip addr add {tunnel.TheirV4}/24 dev {name}
            ip addr add {tunnel.TheirV6}/64 dev {name} nodad
            ip link set {name} mtu {mtu.ToString(CultureInfo.InvariantCulture)} up
            """);
        File.Delete(file);
        Assert.True(configured.ExitCode == 0, configured.Errors);
        return tunnel;
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
    }
}
