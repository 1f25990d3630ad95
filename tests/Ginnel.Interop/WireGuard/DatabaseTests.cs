using System.Diagnostics;
using Ginnel.Interop.Running;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.WireGuard;

/// <summary>PostgreSQL's own clients through one <c>ginnel proxy</c>, and its server behind another.</summary>
public sealed class DatabaseTests(TestNetwork network)
{
    private const int NearPort = 8_432;
    private static readonly string s_where = $"host=127.0.0.1 port={NearPort} user=ginnel dbname=postgres connect_timeout=20";

    [Fact]
    public async Task QueriesCopiesAndBenchmarksPass()
    {
        string programs = await RequireAsync();
        await using DatabaseServer server = await DatabaseServer.StartAsync(network);
        await using ProxyPair pair = await StartAsync(51_980);
        // 100,000 rows are 5 MiB, into the server and out of it.
        Outcome outcome = await network.RunAsync(Who.UserWithoutTun, "sh", "-c", $$"""
            cd / && PATH={{programs}}:$PATH && unset HOME
            where='{{s_where}}'
            psql -X -Atc 'select 6 * 7' "$where"
            psql -X -qc 'create table rows (number int, text text)' "$where"
            rows() { seq 1 100000 | awk '{ printf "%d\trow %d of the table that is copied both ways\n", $1, $1 }'; }
            rows | psql -X -qc 'copy rows from stdin' "$where"
            [ "$(rows | sha256sum)" = "$(psql -X -qc 'copy (select * from rows order by number) to stdout' "$where" | sha256sum)" ] && echo the same rows
            pgbench -i -q "$where" 2>/dev/null; echo $?
            pgbench -c 8 -T 3 "$where" 2>&1 | grep -E 'number of (clients|failed)'
            """);
        Assert.Equal("42\nthe same rows\n0\nnumber of clients: 8\nnumber of failed transactions: 0 (0.000%)\n", outcome.Output);
        await pair.EndAsync();
    }

    [Fact]
    public async Task AServerThatGoesAwayIsAnErrorAndOneThatComesBackIsNone()
    {
        string psql = Path.Combine(await RequireAsync(), "psql");
        await using DatabaseServer server = await DatabaseServer.StartAsync(network);
        await using ProxyPair pair = await StartAsync(51_982);
        using (Process waiting = network.Start(Who.Root, psql, "-X", "-Atc", "select 'begun'", "-c", "select pg_sleep(50)", s_where))
        {
            Assert.Equal("begun", await waiting.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
            await server.StopAsync();
            // What the server has said before it went arrives.
            Outcome cut = await Caller.FinishAsync(waiting);
            Assert.Contains("terminating connection due to administrator command", cut.Errors);
            Assert.Equal(2, cut.ExitCode);
        }
        Outcome refused = await network.RunAsync(Who.Root, psql, "-X", "-Atc", "select 1", s_where);
        Assert.Contains("connection to server at \"127.0.0.1\"", refused.Errors);
        Assert.Equal(2, refused.ExitCode);
        await server.StartAsync();
        Outcome back = await network.RunAsync(Who.Root, psql, "-X", "-Atc", "select 'back'", s_where);
        Assert.Equal("back\n", back.Output);
        await pair.EndAsync();
    }

    private async Task<string> RequireAsync()
    {
        await network.RequireAsync("wg", "setpriv");
        return DatabaseServer.Programs();
    }

    private Task<ProxyPair> StartAsync(int port) =>
        ProxyPair.StartAsync(network, port, ["--egress", $"tcp:{NearPort}:10.88.0.2:5432"], ["--ingress", $"tcp:5432:127.0.0.1:{DatabaseServer.Port}"]);
}
