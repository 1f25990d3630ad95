using System.Diagnostics;
using System.Globalization;
using Ginnel.Interop.Running;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.WireGuard;

/// <summary>A PostgreSQL server of the test's own beside the peer's servers: nobody's, on loopback alone, with its data in a folder that goes with it.</summary>
internal sealed class DatabaseServer : IAsyncDisposable
{
    public const int Port = 5_999;
    private readonly TestNetwork _network;
    private readonly string _folder;
    private Process? _process;

    private DatabaseServer(TestNetwork network, string folder) => (_network, _folder) = (network, folder);

    /// <summary>The folder with the programs of the newest release that is installed; skips the test where there is none.</summary>
    public static string Programs()
    {
        const string Releases = "/usr/lib/postgresql";
        string? newest = !Directory.Exists(Releases) ? null : Directory.GetDirectories(Releases).Where(folder => File.Exists(Path.Combine(folder, "bin", "initdb")))
            .MaxBy(folder => int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out int release) ? release : 0);
        Assert.SkipUnless(newest is not null, "postgresql is not installed");
        return Path.Combine(newest!, "bin");
    }

    /// <summary>Makes a cluster and starts it.</summary>
    public static async Task<DatabaseServer> StartAsync(TestNetwork network)
    {
        string folder = Path.Combine(network.Folder, "database");
        Outcome made = await network.RunAtPeerAsync([.. AsNobody(), "sh", "-ec", $"""
            umask 077
            mkdir '{folder}'
            LC_ALL=C '{Programs()}/initdb' --no-sync -A trust -U ginnel -D '{folder}/data' >'{folder}/initdb.log'
            """]);
        Assert.True(made.ExitCode == 0, made.Errors);
        DatabaseServer server = new(network, folder);
        try
        {
            await server.StartAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts it (again), and waits until it answers.</summary>
    public async Task StartAsync()
    {
        _process = _network.StartAtPeer([.. AsNobody(), "sh", "-c", $"""
            exec '{Programs()}/postgres' -D '{_folder}/data' -h 127.0.0.1 -p {Port} -k '' -c fsync=off -c max_wal_size=256MB >>'{_folder}/log' 2>&1
            """]);
        Outcome ready = await _network.RunAtPeerAsync("sh", "-c", $"""
            for i in $(seq 1000); do '{Programs()}/pg_isready' -q -h 127.0.0.1 -p {Port} && exit 0; sleep 0.05; done; cat '{_folder}/log' >&2; exit 1
            """);
        Assert.True(ready.ExitCode == 0, ready.Errors);
    }

    /// <summary>Ends it in an orderly manner, and everybody's connections.</summary>
    public async Task StopAsync()
    {
        await Caller.RunAsync(Who.Root, "kill", "-INT", _process!.Id.ToString(CultureInfo.InvariantCulture));
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(60));
        await _process.WaitForExitAsync(patience.Token);
        _process.Dispose();
        _process = null;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await StopAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static string[] AsNobody() => ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "--"];
}
