using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Ginnel.Interop.House;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.Guests;

/// <summary>
/// A namespace, a guest, and a cable between them; nothing leads further. Made on first use, once for a class of tests. Our ends run in the
/// namespace.
/// </summary>
public sealed class GuestNetwork : IAsyncLifetime
{
    public const string OurAddress = "198.18.4.1", GuestAddress = "198.18.4.2", OurAddressV6 = "fd78::1", GuestAddressV6 = "fd78::2";
    public const string Tap = "guest0";
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(Environment.GetEnvironmentVariable("GINNEL_LONG") is null ? 30 : 60);
    private readonly SemaphoreSlim _once = new(1, 1);
    private readonly string _netns = $"gnlg{Environment.ProcessId}x{Interlocked.Increment(ref s_made)}";
    private static int s_made;
    private string? _folder;
    private ExceptionDispatchInfo? _broken;
    private Guest? _guest;

    /// <summary>A folder for the test's files.</summary>
    internal string Folder => _folder!;

    internal Guest Guest => _guest!;

    /// <summary>The words that make those behind them run in the namespace.</summary>
    internal string[] Enter => ["ip", "netns", "exec", _netns];

    public ValueTask InitializeAsync() => default;

    /// <summary>Makes it if it is not there yet; skips the test where that cannot be done.</summary>
    public async Task RequireAsync()
    {
        Caller.RequireRoot();
        Assert.SkipUnless(RuntimeInformation.OSArchitecture == Architecture.X64, "the guest's kernel is for x86-64");
        TestPrograms.Require([.. GuestImage.Programs, "qemu-system-x86_64", "ldd"]);
        await _once.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            // What has failed once, or cannot be had, takes as long the next time.
            _broken?.Throw();
            if (_guest is null) await BuildAsync();
        }
        catch (Exception caught) when (caught is not OperationCanceledException)
        {
            _broken ??= ExceptionDispatchInfo.Capture(caught);
            throw;
        }
        finally
        {
            _once.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_guest is not null) await _guest.DisposeAsync();
        if (_folder is null) return;
        await Caller.RunAsync(Who.Root, ["ip", "netns", "del", _netns]);
        Directory.Delete(_folder, recursive: true);
        _once.Dispose();
    }

    private async Task BuildAsync()
    {
        GuestFiles files = await GuestFiles.ObtainAsync(SourceTree.CheckoutRoot());
        _folder = Directory.CreateTempSubdirectory("ginnel-guest-").FullName;
        Outcome made = await Caller.RunAsync(Who.Root, "sh", "-ec", $"""
            ip netns add {_netns}
            ip -n {_netns} link set lo up
            ip -n {_netns} tuntap add {Tap} mode tap
            ip -n {_netns} link set {Tap} addrgenmode none up
            ip -n {_netns} addr add {OurAddress}/24 dev {Tap}
            ip -n {_netns} addr add {OurAddressV6}/64 dev {Tap} nodad
            """);
        Assert.True(made.ExitCode == 0, made.Errors);
        _guest = await Guest.BootAsync(files, _folder, _netns, Tap, Lifetime);
        await _guest.DoAsync($"""
            ip link set eth0 addrgenmode none up
            ip addr add {GuestAddress}/24 dev eth0
            ip addr add {GuestAddressV6}/64 dev eth0 nodad
            {GuestServers.Start}
            """);
    }
}
