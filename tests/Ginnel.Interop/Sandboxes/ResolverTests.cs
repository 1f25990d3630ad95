using Ginnel.Sandbox;

namespace Ginnel.Interop.Sandboxes;

/// <summary>Whatever stands at /etc/resolv.conf, inside it names the stack's server only; and no resolver's socket is in sight.</summary>
public sealed class ResolverTests
{
    /// <summary>What an administrator may have left at /etc/resolv.conf. The folders of the pretended host are writable copies.</summary>
    public static TheoryData<string> Hosts =>
    [
        "echo 'nameserver 192.0.2.1' >/etc/resolv.conf",
        "mkdir -p /run/systemd/resolve; echo 'nameserver 127.0.0.53' >/run/systemd/resolve/stub-resolv.conf; ln -s ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf",
        "mkdir -p /run/resolvconf; echo 'nameserver 192.0.2.1' >/run/resolvconf/resolv.conf; ln -s /run/resolvconf/resolv.conf /etc/resolv.conf",
        "ln -s ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf",
        "ln -s /nowhere/resolv.conf /etc/resolv.conf",
        "ln -s resolv.conf /etc/resolv.conf",
        "true",
    ];

    [Theory]
    [MemberData(nameof(Hosts))]
    public async Task TheOnlyNameServerIsTheStacks(string host)
    {
        Caller.RequireRoot();
        foreach (Who who in (Who[])[Who.Root, Who.UserWithTun, Who.UserWithoutTun])
        {
            string[] words = [.. Caller.Driver("--describe"), "sh", "-c", "cat /etc/resolv.conf; cat /etc/passwd >/dev/null; ls /etc >/dev/null"];
            Outcome outcome = await Caller.OnHostAsync(who, host, words);
            Assert.True(outcome.Output == "nameserver 10.0.2.3\n", $"{who}: {outcome}");
        }
    }

    [Fact]
    public async Task SearchListAndOptionsOfTheHostStay()
    {
        Caller.RequireRoot();
        Outcome outcome = await Caller.OnHostAsync(Who.Root, "printf 'search a.example b.example\\nnameserver 192.0.2.1\\noptions ndots:2\\n' >/etc/resolv.conf", [.. Caller.Driver(), "cat", "/etc/resolv.conf"]);
        Assert.Equal(new Outcome(0, "search a.example b.example\noptions ndots:2\nnameserver 10.0.2.3\n", ""), outcome);
    }

    [Theory]
    [InlineData("/run/systemd/resolve/io.systemd.Resolve")]
    [InlineData("/run/nscd/socket")]
    [InlineData("/var/run/nscd/socket")]
    [InlineData("/run/avahi-daemon/socket")]
    public async Task SocketsThatResolveNamesAreHidden(string path)
    {
        Caller.RequireRoot();
        string host = $"echo >/etc/resolv.conf; mkdir -p {Path.GetDirectoryName(path)}; echo >{path}";
        foreach (DeviceChoice way in (DeviceChoice[])[DeviceChoice.ShellTun, DeviceChoice.VerbTun])
        {
            Outcome outcome = await Caller.OnHostAsync(Who.UserWithTun, host, [.. Caller.Driver(way), "ls", "-A", Path.GetDirectoryName(path)!]);
            Assert.Equal(new Outcome(0, "", ""), outcome);
        }
    }

    [Theory]
    [InlineData("echo 'nameserver 192.0.2.1' >/etc/resolv.conf", DeviceChoice.ShellTun)]
    [InlineData("mkdir -p /run/systemd/resolve; echo >/run/systemd/resolve/stub-resolv.conf; ln -s ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf", DeviceChoice.ShellTun)]
    [InlineData("echo 'nameserver 192.0.2.1' >/etc/resolv.conf", DeviceChoice.VerbTun)]
    [InlineData("true", DeviceChoice.VerbTun)]
    public async Task EverybodyMayReadItWhateverTheUmask(string host, DeviceChoice way)
    {
        Caller.RequireRoot();
        string[] words = ["sh", "-c", "umask 077; exec \"$@\"", "sh", .. Caller.Driver(way), "sh", "-c", "stat -L -c %a /etc/resolv.conf; umask"];
        Assert.Equal(new Outcome(0, "644\n0077\n", ""), await Caller.OnHostAsync(Who.Root, host, words));
    }

    [Fact]
    public async Task WhatIsNotToBeHadInsideStaysUntouchedOutside()
    {
        Caller.RequireRoot();
        Outcome outcome = await Caller.OnHostAsync(Who.Root, "true", ["sh", "-c", "\"$@\" || exit; ls -la /etc/resolv.conf; mount | grep -c ginnel", "sh", .. Caller.Driver(), "true"]);
        Assert.Equal("0\n", outcome.Output);
        Assert.Contains("No such file", outcome.Errors);
    }
}
