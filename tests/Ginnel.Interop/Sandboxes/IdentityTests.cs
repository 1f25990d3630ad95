using Ginnel.Sandbox;
using Ginnel.Sandbox.Identity;

namespace Ginnel.Interop.Sandboxes;

/// <summary>Who the program is inside, where there is more than one id to be.</summary>
public sealed class IdentityTests
{
    private const string Grants = "echo 'tester:x:54321:54321::/:/bin/sh' >>/etc/passwd; echo 'tester:200000:65536' >/etc/subuid; echo '54321:300000:1000' >/etc/subgid; echo >/etc/resolv.conf";

    [Theory]
    [InlineData(DeviceChoice.ShellTun)]
    [InlineData(DeviceChoice.VerbPacket)]
    public async Task SubordinateIdsAreMappedAroundTheUsersOwn(DeviceChoice way)
    {
        Caller.RequireRoot();
        Outcome outcome = await Caller.OnHostAsync(Who.UserWithTun, Grants, [.. Caller.Driver(way, "--describe"), "sh", "-c", "id -u; id -g; tr -s ' ' </proc/self/uid_map; tr -s ' ' </proc/self/gid_map"]);
        Assert.Contains(nameof(IdentityMapping.KeptWithSubordinate), outcome.Errors);
        Assert.Equal("54321\n54321\n 54321 54321 1\n 0 200000 54321\n 54322 254321 11215\n 54321 54321 1\n 0 300000 1000\n", outcome.Output);
    }

    [Fact]
    public async Task RootInsideHasTheSubordinateIdsAboveIt()
    {
        Caller.RequireRoot();
        Outcome outcome = await Caller.OnHostAsync(Who.UserWithTun, Grants, [.. Caller.Driver("--root", "--describe"), "setpriv", "--reuid", "100", "--regid", "100", "--clear-groups", "id", "-u"]);
        Assert.Equal("100\n", outcome.Output);
        Assert.Contains(nameof(IdentityMapping.RootWithSubordinate), outcome.Errors);
    }

    [Fact]
    public async Task WhereTheToolIsNotSetuidTheUserIsAlone()
    {
        Caller.RequireRoot();
        const string Crippled = Grants + "; mount --bind /bin/false /usr/bin/newuidmap; mount --bind /bin/false /usr/bin/newgidmap";
        Outcome outcome = await Caller.OnHostAsync(Who.UserWithTun, Crippled, [.. Caller.Driver("--describe"), "id", "-u"]);
        Assert.Equal("54321\n", outcome.Output);
        Assert.Contains(nameof(IdentityMapping.KeptAlone), outcome.Errors);
    }

    [Fact]
    public async Task RootOfAContainerGetsAUserNamespaceWithEveryId()
    {
        Caller.RequireRoot();
        // uid 0 without CAP_SYS_ADMIN, as containers have it.
        Outcome outcome = await Caller.RunAsync(Who.Root, ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-all", "--", .. Caller.Driver("--describe", "--device", "VerbPacket"),
            "setpriv", "--reuid", "12345", "--clear-groups", "id", "-u"]);
        Assert.Equal("12345\n", outcome.Output);
        Assert.Contains(nameof(IdentityMapping.WholeRange), outcome.Errors);
    }

    [Fact]
    public void TheMapIsCutWhereTheUsersOwnIdStands()
    {
        Assert.Equal([new IdRange(5, 1000, 1), new IdRange(0, 100, 5), new IdRange(6, 105, 3)], IdRange.Around(5, 1000, [(100, 8)]));
        Assert.Equal([new IdRange(0, 1000, 1), new IdRange(1, 100, 2), new IdRange(3, 500, 4)], IdRange.Around(0, 1000, [(100, 2), (500, 4)]));
        Assert.Equal([new IdRange(9, 9, 1), new IdRange(0, 100, 2)], IdRange.Around(9, 9, [(100, 2)]));
    }
}
