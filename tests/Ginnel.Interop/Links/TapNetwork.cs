using System.Diagnostics;
using System.Net.Sockets;
using Ginnel.Interop.Sandboxes;
using Ginnel.Netstack;

namespace Ginnel.Interop.Links;

/// <summary>
/// A namespace with one interface, <c>tap0</c>, whose far end is a link of ours: its frames pass through a small program over a socket. The
/// kernel there is an ordinary neighbor on an Ethernet segment of two.
/// </summary>
internal sealed class TapNetwork : IAsyncDisposable
{
    private const string Bridge = """
        import fcntl, os, socket, struct, sys, threading
        tap = os.open('/dev/net/tun', os.O_RDWR)
        fcntl.ioctl(tap, 0x400454ca, struct.pack('16sH14x', b'tap0', 0x1002))
        s = socket.socket(socket.AF_UNIX)
        s.connect(sys.argv[1])
        def out():
            while True:
                try: frame = os.read(tap, 65536)
                except OSError: continue
                s.sendall(struct.pack('!I', len(frame)) + frame)
        threading.Thread(target=out, daemon=True).start()
        print('ready', flush=True)
        frames = s.makefile('rb')
        while len(head := frames.read(4)) == 4:
            frame = frames.read(struct.unpack('!I', head)[0])
            try: os.write(tap, frame)
            except OSError: pass
        """;

    private static int _made;
    private readonly string _name = $"gnlt{Environment.ProcessId}x{Interlocked.Increment(ref _made)}";
    private readonly string _folder = Directory.CreateTempSubdirectory("ginnel-tap-").FullName;
    private readonly List<Process> _processes = [];

    private TapNetwork() { }

    /// <summary>The far end: Ethernet, 1,500 octets.</summary>
    public StreamLink Link { get; private set; } = null!;

    /// <summary>Makes the namespace and the device, down, without addresses of its own making.</summary>
    public static async Task<TapNetwork> CreateAsync(params string[] programs)
    {
        Caller.RequireRoot();
        Assert.SkipUnless(File.Exists("/dev/net/tun"), "there is no /dev/net/tun");
        foreach (string program in programs.Append("ip").Append("python3"))
            Assert.SkipUnless(((string[])["/usr/sbin", "/usr/bin", "/sbin", "/bin"]).Any(folder => File.Exists(Path.Combine(folder, program))), $"{program} is not installed");
        TapNetwork network = new();
        try
        {
            await network.BuildAsync();
        }
        catch
        {
            await network.DisposeAsync();
            throw;
        }
        return network;
    }

    /// <summary>Runs a shell script inside, and expects it to succeed.</summary>
    public async Task<string> RunAsync(string script)
    {
        Outcome outcome = await Caller.RunAsync(Who.Root, ["sh", "-c", script], Enter);
        Assert.True(outcome.ExitCode == 0, $"{script}: {outcome.Errors}{outcome.Output}");
        return outcome.Output;
    }

    /// <summary>Starts a program inside, which ends with the network.</summary>
    public Process Serve(params string[] words)
    {
        Process process = Caller.Start(Who.Root, words, Enter);
        _processes.Add(process);
        return process;
    }

    /// <summary>Runs a script inside again and again until its output is as wanted.</summary>
    public async Task UntilAsync(string script, Func<string, bool> isWanted)
    {
        Stopwatch waited = Stopwatch.StartNew();
        string output = "";
        while (waited.Elapsed < TimeSpan.FromSeconds(40))
        {
            output = await RunAsync(script);
            if (isWanted(output)) return;
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }
        Assert.Fail($"{script} still says:\n{output}");
    }

    /// <summary>Waits for something on our side.</summary>
    public static async Task UntilAsync(Func<bool> condition, string what)
    {
        Stopwatch waited = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(waited.Elapsed < TimeSpan.FromSeconds(40), $"in vain waited for: {what}");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Link is not null) await Link.DisposeAsync();
        foreach (Process process in _processes)
        {
            process.Kill(entireProcessTree: true);
            process.Dispose();
        }
        await Caller.RunAsync(Who.Root, ["ip", "netns", "del", _name], []);
        Directory.Delete(_folder, recursive: true);
    }

    private string[] Enter => ["ip", "netns", "exec", _name];

    private async Task BuildAsync()
    {
        Outcome made = await Caller.RunAsync(Who.Root, ["ip", "netns", "add", _name], []);
        Assert.True(made.ExitCode == 0, made.Errors);
        string path = Path.Combine(_folder, "frames");
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen(1);
        Process bridge = Serve("/usr/bin/python3", "-c", Bridge, path);
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(30));
        Socket stream = await listener.AcceptAsync(patience.Token);
        Assert.Equal("ready", await bridge.StandardOutput.ReadLineAsync(patience.Token));
        Link = new StreamLink(new NetworkStream(stream, ownsSocket: true), new StreamLinkOptions { Medium = LinkMedium.Ethernet });
        await RunAsync("ip link set lo up");
    }
}
