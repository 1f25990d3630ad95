using System.Diagnostics;
using Ginnel.Interop.Running;
using Ginnel.Interop.Sandboxes;

[assembly: AssemblyFixture(typeof(TestNetwork))]

namespace Ginnel.Interop.Running;

/// <summary>
/// Two namespaces with a cable between them: in one <c>ginnel run</c> is started, in the other are the servers. Nothing leads out of them. Made on
/// first use, once for all tests.
/// </summary>
public sealed class TestNetwork : IAsyncLifetime
{
    public const string HostAddress = "198.18.0.1", PeerAddress = "198.18.0.2", PeerAddressV6 = "fd77::2", NoSuchHost = "198.18.0.99";
    private readonly SemaphoreSlim _once = new(1, 1);
    private readonly List<Process> _servers = [];
    private string? _folder;

    /// <summary>The namespace in which the programs are started.</summary>
    public string Host { get; } = $"gnlh{Environment.ProcessId}";

    /// <summary>The namespace of the servers.</summary>
    public string Peer { get; } = $"gnlp{Environment.ProcessId}";

    /// <summary>A folder whose files the peer serves below <c>/files/</c>; everybody may read and write it.</summary>
    public string Folder => _folder!;

    public ValueTask InitializeAsync() => default;

    /// <summary>Makes the network if it is not there yet; skips the test where that cannot be done.</summary>
    public async Task RequireAsync(params string[] programs)
    {
        Caller.RequireRoot();
        foreach (string program in programs.Append("ip")) Assert.SkipUnless(Exists(program), $"{program} is not installed");
        await _once.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            if (_folder is null) await BuildAsync();
        }
        finally
        {
            _once.Release();
        }
    }

    /// <summary>The words that make those behind them run in the host's namespace.</summary>
    internal string[] EnterHost => Enter(Host);

    /// <summary>Runs words in the host's namespace as somebody.</summary>
    internal Task<Outcome> RunAsync(Who who, params string[] words) => Caller.RunAsync(who, words, Enter(Host));

    /// <summary>Starts words likewise.</summary>
    internal Process Start(Who who, params string[] words) => Caller.Start(who, words, Enter(Host));

    /// <summary>Runs words in the peer's namespace as root.</summary>
    internal Task<Outcome> RunAtPeerAsync(params string[] words) => Caller.RunAsync(Who.Root, words, Enter(Peer));

    /// <summary>The words of <c>ginnel run</c>.</summary>
    public static string[] Ginnel(params string[] words) => [Path.Combine(AppContext.BaseDirectory, "Ginnel.Cli"), .. words];

    /// <summary>Starts words in the peer's namespace as root; the caller sees to their end.</summary>
    internal Process StartAtPeer(params string[] words) => Caller.Start(Who.Root, words, Enter(Peer));

    /// <summary>Starts a server in the peer's namespace; it ends with the tests.</summary>
    public Process Serve(params string[] words)
    {
        Process process = StartAtPeer(words);
        lock (_servers) _servers.Add(process);
        return process;
    }

    /// <summary>The text of a file that a server writes into the folder, once it is there.</summary>
    public async Task<string> FileAsync(string name, CancellationToken cancellationToken)
    {
        string path = Path.Combine(Folder, name);
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        while (!File.Exists(path)) await Task.Delay(20, patience.Token);
        return await File.ReadAllTextAsync(path, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Process server in _servers)
        {
            // One that a test has disposed of is that test's.
            try
            {
                server.Kill(entireProcessTree: true);
            }
            catch (InvalidOperationException)
            {
            }
            server.Dispose();
        }
        if (_folder is null) return;
        await Caller.RunAsync(Who.Root, ["ip", "netns", "del", Host]);
        await Caller.RunAsync(Who.Root, ["ip", "netns", "del", Peer]);
        Directory.Delete(_folder, recursive: true);
    }

    private static bool Exists(string program) => ((string[])["/usr/sbin", "/usr/bin", "/sbin", "/bin"]).Any(folder => File.Exists(Path.Combine(folder, program)));

    private static string[] Enter(string netns) => ["ip", "netns", "exec", netns];

    private async Task BuildAsync()
    {
        string folder = Directory.CreateTempSubdirectory("ginnel-peer-").FullName;
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_111_111);
        string script = $"""
            set -e
            ip netns add {Host}
            ip netns add {Peer}
            ip -n {Host} link add cable type veth peer name cable netns {Peer}
            for ns in {Host} {Peer}; do
              ip -n $ns link set lo up
              ip -n $ns link set cable addrgenmode none
              ip -n $ns link set cable up
            done
            ip -n {Host} addr add {HostAddress}/24 dev cable
            ip -n {Peer} addr add {PeerAddress}/24 dev cable
            ip -n {Host} addr add fd77::1/64 dev cable nodad
            ip -n {Peer} addr add {PeerAddressV6}/64 dev cable nodad
            ip -n {Host} route add default via {PeerAddress}
            ip -n {Host} -6 route add default via {PeerAddressV6}
            ip netns exec {Host} sh -c 'echo 0 2147483647 > /proc/sys/net/ipv4/ping_group_range'
            """;
        Outcome made = await Caller.RunAsync(Who.Root, ["sh", "-c", script]);
        Assert.True(made.ExitCode == 0, made.Errors);
        _folder = folder;
        Process peer = Serve(Caller.Self, PeerServer.Word, folder);
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(60));
        Assert.Equal("ready", await peer.StandardOutput.ReadLineAsync(patience.Token));
    }
}
