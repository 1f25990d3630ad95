using System.Diagnostics;
using System.Globalization;

namespace Ginnel.Tunnels;

/// <summary>
/// Two namespaces with a cable between them, and two tunnels over it: wireguard-go's with its TUN devices, and that of two <c>ginnel proxy</c>.
/// The servers are in the far one. All of it is gone when disposed of.
/// </summary>
internal sealed class Field : IDisposable
{
    internal const int IperfPort = 5_201, LoadPort = 5_202;
    private const string NearAddress = "198.18.0.1", FarAddress = "198.18.0.2", NearInside = "10.99.0.1", FarInside = "10.99.0.2";
    private readonly string _near = $"gnlba{Environment.ProcessId}", _far = $"gnlbb{Environment.ProcessId}";
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ginnel-bench-");
    private readonly List<Process> _processes = [];

    internal Field()
    {
        try
        {
            Shell($"""
                set -e
                ip netns add {_near}; ip netns add {_far}
                ip -n {_near} link add cable type veth peer name cable netns {_far}
                for ns in {_near} {_far}; do
                  ip -n $ns link set lo up; ip -n $ns link set cable up
                  ip netns exec $ns sh -c 'echo 1024 65000 > /proc/sys/net/ipv4/ip_local_port_range; echo 1 > /proc/sys/net/ipv4/tcp_tw_reuse'
                done
                ip -n {_near} addr add {NearAddress}/24 dev cable; ip -n {_far} addr add {FarAddress}/24 dev cable
                """);
            Start(_far, "iperf3", "-s", "-p", $"{IperfPort}", "--logfile", "/dev/null");
            Ready(Start(_far, Environment.ProcessPath!, "server", $"{LoadPort}"), "ready");
            string[] keys = Shell("a=$(wg genkey); b=$(wg genkey); echo $a; echo $a | wg pubkey; echo $b; echo $b | wg pubkey").Split('\n');
            Peers = [.. Peer(keys, _near), .. Peer(keys, _far)];
            Proxies = [Proxy(keys, _far), Proxy(keys, _near)];
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The source tree: its script starts what users start, compiled ahead of time.</summary>
    private static string Root
    {
        get
        {
            string? folder = AppContext.BaseDirectory;
            while (folder is not null && !File.Exists(Path.Combine(folder, "Ginnel.slnx"))) folder = Path.GetDirectoryName(folder);
            return folder ?? throw new InvalidOperationException("Run from within the source tree.");
        }
    }

    /// <summary>Both wireguard-go.</summary>
    internal Process[] Peers { get; } = [];

    /// <summary>Both <c>ginnel proxy</c>.</summary>
    internal Process[] Proxies { get; } = [];

    /// <summary>What is compared: its name, where the client is, the server's address there, and the processes that carry.</summary>
    internal (string Name, string Namespace, string Address, Process[] Carriers)[] Ways =>
    [
        ("ginnel proxy", _near, "127.0.0.1", Proxies), ("wireguard-go, TUN", _near, FarInside, Peers),
        ("veth", _near, FarAddress, []), ("loopback", _far, "127.0.0.1", []),
    ];

    /// <summary>Runs words in a namespace and returns what they print; their input is open until <paramref name="meanwhile"/> has returned.</summary>
    internal string Run(string netns, string[] words, Action? meanwhile = null)
    {
        using Process process = Launch(["ip", "netns", "exec", netns, .. words]);
        if (meanwhile is not null)
        {
            string line = process.StandardOutput.ReadLine() ?? throw new InvalidOperationException($"{words[0]} said nothing: {process.StandardError.ReadToEnd()}");
            meanwhile();
            process.StandardInput.Close();
            process.WaitForExit();
            return line;
        }
        process.StandardInput.Close();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        if (!process.WaitForExit(60_000)) process.Kill(entireProcessTree: true);
        if (process.ExitCode != 0) throw new InvalidOperationException($"{string.Join(' ', words)}: {output}{errors.Result}");
        return output;
    }

    public void Dispose()
    {
        foreach (Process process in _processes)
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            process.Dispose();
        }
        Shell($"ip netns del {_near}; ip netns del {_far}; true");
        _folder.Delete(recursive: true);
    }

    private Process[] Peer(string[] keys, string netns)
    {
        bool isNear = netns == _near;
        string device = $"gb{(isNear ? 'a' : 'b')}{Environment.ProcessId % 1_000_000}";
        string file = Configuration(keys, isNear, device, 51_820, isNear ? NearInside : FarInside, isNear ? FarInside : NearInside, forTun: true);
        Process process = Start(netns, "wireguard-go", "-f", device);
        Shell($"""
            for i in $(seq 100); do [ -S /var/run/wireguard/{device}.sock ] && break; sleep 0.05; done
            set -e
            ip netns exec {netns} wg setconf {device} {file}
            ip -n {netns} link set {device} mtu 1420 up
            ip -n {netns} addr add {(isNear ? NearInside : FarInside)}/24 dev {device}
            """);
        return [process];
    }

    private Process Proxy(string[] keys, string netns)
    {
        bool isNear = netns == _near;
        string file = Configuration(keys, isNear, $"ginnel{(isNear ? 'a' : 'b')}", 51_821, isNear ? "10.98.0.1" : "10.98.0.2", isNear ? "10.98.0.2" : "10.98.0.1", forTun: false);
        string[] rules = [.. ((int[])[IperfPort, LoadPort]).SelectMany(port =>
            (string[])(isNear ? ["--egress", $"tcp:{port}:10.98.0.2:{port}"] : ["--ingress", $"tcp:{port}:127.0.0.1:{port}"]))];
        Process process = Start(netns, [Path.Combine(Root, "ginnel"), "proxy", "--config", file, "--control", "none", .. rules]);
        for (int i = 0; i < 2; i++) while (process.StandardError.ReadLine() is { } line && !line.Contains("listening on", StringComparison.Ordinal)) { }
        // A pipe that nobody reads stops who writes.
        _ = process.StandardError.BaseStream.CopyToAsync(Stream.Null);
        return process;
    }

    private string Configuration(string[] keys, bool isNear, string name, int port, string ours, string theirs, bool forTun)
    {
        string file = Path.Combine(_folder.FullName, name + ".conf");
        File.WriteAllText(file, string.Create(CultureInfo.InvariantCulture, $"""
            [Interface]
            PrivateKey = {keys[isNear ? 0 : 2]}
            ListenPort = {port}
            {(forTun ? "" : $"Address = {ours}/32")}
            [Peer]
            PublicKey = {keys[isNear ? 3 : 1]}
            AllowedIPs = {theirs}/32
            Endpoint = {(isNear ? FarAddress : NearAddress)}:{port}
            """));
        return file;
    }

    private Process Start(string netns, params string[] words)
    {
        Process process = Launch(["ip", "netns", "exec", netns, .. words]);
        _processes.Add(process);
        return process;
    }

    private static void Ready(Process process, string word)
    {
        if (process.StandardOutput.ReadLine() != word) throw new InvalidOperationException(process.StandardError.ReadToEnd());
    }

    private static string Shell(string script)
    {
        using Process process = Launch(["sh", "-c", script]);
        process.StandardInput.Close();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException(process.StandardError.ReadToEnd());
    }

    private static Process Launch(string[] words)
    {
        ProcessStartInfo start = new(words[0]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string word in words[1..]) start.ArgumentList.Add(word);
        return Process.Start(start)!;
    }
}
