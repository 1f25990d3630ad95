using System.Diagnostics;
using System.Globalization;
using System.Text;
using Ginnel.Interop.Running;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.WireGuard;

/// <summary>
/// Two <c>ginnel proxy</c> with a tunnel between them: the near one, an ordinary user's, beside the tests' host; the far one, which waits to be
/// spoken to, beside the servers. Inside, the near one is 10.88.0.1 and fd88::1, the far one 10.88.0.2 and fd88::2.
/// </summary>
internal sealed class ProxyPair : IAsyncDisposable
{
    private readonly StringBuilder _said = new();
    private readonly List<Process> _processes = [];

    private ProxyPair()
    {
    }

    public Process Near => _processes[1];

    public Process Far => _processes[0];

    /// <summary>What both have said since they started.</summary>
    public string Said
    {
        get
        {
            lock (_said) return _said.ToString();
        }
    }

    public required string NearFile { get; init; }

    public required string FarFile { get; init; }

    /// <summary>Starts both, the near one as root, with options of its own as well.</summary>
    public static Task<ProxyPair> StartAsync(TestNetwork network, int port, string[] near, string[] far, string[] options, string nearLine = "") =>
        StartAsync(network, port, near, far, Who.Root, options, nearLine);

    /// <summary>Starts both.</summary>
    /// <param name="network">Where.</param>
    /// <param name="port">The far one's port for the tunnel.</param>
    /// <param name="near">Rules of the near one, as words.</param>
    /// <param name="far">Rules of the far one.</param>
    public static Task<ProxyPair> StartAsync(TestNetwork network, int port, string[] near, string[] far) => StartAsync(network, port, near, far, Who.UserWithoutTun, []);

    private static async Task<ProxyPair> StartAsync(TestNetwork network, int port, string[] near, string[] far, Who who, string[] options, string nearLine = "")
    {
        (string nearFile, string farFile) = await FilesAsync(network, string.Create(CultureInfo.InvariantCulture, $"pair{port}"), port);
        if (nearLine.Length > 0) await File.WriteAllTextAsync(nearFile, (await File.ReadAllTextAsync(nearFile)).Replace("[Peer]", nearLine + "\n[Peer]", StringComparison.Ordinal));
        ProxyPair pair = new() { NearFile = nearFile, FarFile = farFile };
        try
        {
            await pair.StartAsync(network.StartAtPeer([.. TestNetwork.Ginnel("proxy", "--config", farFile, "--control", "none"), .. far]), far.Count(word => word is "--ingress" or "--egress"));
            await pair.StartAsync(network.Start(who, [.. TestNetwork.Ginnel("proxy", "--config", nearFile), .. near, .. options]), near.Count(word => word is "--ingress" or "--egress") + options.Count(option => option == "--egress"), options is ["--control", not "none", ..]);
            return pair;
        }
        catch
        {
            await pair.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until a proxy has said that it listens on all its ports.</summary>
    public static async Task StartedAsync(Process proxy, int rules)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        Assert.Contains("public key", await proxy.StandardError.ReadLineAsync(patience.Token));
        for (int i = 0; i < rules; i++) Assert.Contains("listening on", await proxy.StandardError.ReadLineAsync(patience.Token));
    }

    /// <summary>The files of two ends that know each other.</summary>
    public static async Task<(string Near, string Far)> FilesAsync(TestNetwork network, string name, int port)
    {
        string[] keys = (await Caller.RunAsync(Who.Root, "sh", "-c", "a=$(wg genkey); b=$(wg genkey); echo $a; echo $a | wg pubkey; echo $b; echo $b | wg pubkey; wg genpsk")).Output.Split('\n');
        string near = Path.Combine(network.Folder, $"{name}-near.conf"), far = Path.Combine(network.Folder, $"{name}-far.conf");
        await File.WriteAllTextAsync(near, string.Create(CultureInfo.InvariantCulture, $"""
            [Interface]
            PrivateKey = {keys[0]}
            Address = 10.88.0.1/32, fd88::1/128
            [Peer]
            PublicKey = {keys[3]}
            PresharedKey = {keys[4]}
            AllowedIPs = 10.88.0.2/32, fd88::2/128
            Endpoint = {TestNetwork.PeerAddress}:{port}
            """));
        await File.WriteAllTextAsync(far, string.Create(CultureInfo.InvariantCulture, $"""
            [Interface]
            PrivateKey = {keys[2]}
            Address = 10.88.0.2/32, fd88::2/128
            ListenPort = {port}
            [Peer]
            PublicKey = {keys[1]}
            PresharedKey = {keys[4]}
            AllowedIPs = 10.88.0.1/32, fd88::1/128
            """));
        return (near, far);
    }

    /// <summary>The far one dies, and another comes in its place.</summary>
    public async Task RestartFarAsync(TestNetwork network, string[] far)
    {
        Far.Kill(entireProcessTree: true);
        await Far.WaitForExitAsync(TestContext.Current.CancellationToken);
        Far.Dispose();
        _processes.RemoveAt(0);
        Process process = network.StartAtPeer([.. TestNetwork.Ginnel("proxy", "--config", FarFile, "--control", "none"), .. far]);
        _processes.Insert(0, process);
        await StartedAsync(process, far.Count(word => word is "--ingress" or "--egress"));
        _ = ListenAsync(process.StandardError);
    }

    /// <summary>Ends both as they should end.</summary>
    public async Task EndAsync()
    {
        foreach (Process process in (Process[])[Near, Far])
        {
            await Caller.RunAsync(Who.Root, "kill", "-TERM", process.Id.ToString(CultureInfo.InvariantCulture));
            using CancellationTokenSource patience = new(TimeSpan.FromSeconds(60));
            await process.WaitForExitAsync(patience.Token);
            Assert.True(process.ExitCode == 0, Said);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Process process in _processes)
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
            process.Dispose();
        }
    }

    private async Task StartAsync(Process process, int rules, bool isControlled = false)
    {
        _processes.Add(process);
        await StartedAsync(process, rules);
        while (isControlled) isControlled = !Assert.IsType<string>(await process.StandardError.ReadLineAsync(TestContext.Current.CancellationToken)).Contains("controlled by", StringComparison.Ordinal);
        _ = ListenAsync(process.StandardError);
    }

    /// <summary>A pipe that nobody reads stops who writes.</summary>
    private async Task ListenAsync(StreamReader errors)
    {
        while (await errors.ReadLineAsync() is { } line)
        {
            lock (_said) _said.AppendLine(line);
        }
    }
}
