using System.Net;

namespace Ginnel.Proxy.Tests;

/// <summary>wireproxy's sections in a WireGuard file become rules and doors of ours.</summary>
public sealed class WireproxyFileTests : IDisposable
{
    private const string Tunnel = """
        [Interface]
        PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=
        Address = 10.0.0.2/32
        [Peer]
        PublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=

        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("ginnel-wireproxy").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Every_section_is_understood()
    {
        ProxyConfiguration read = WireGuardFile.Parse(Tunnel + """
            [TCPClientTunnel]
            BindAddress = 127.0.0.1:25565
            Target = play.example.net:25565
            [tcpclienttunnel]
            BindAddress = :81
            Target = [fd00::1]:80
            [TCPServerTunnel]
            ListenPort = 3422
            Target = localhost:25545
            [UDPProxyTunnel]
            BindAddress = [::1]:53
            Target = 10.0.0.1:53
            InactivityTimeout = 30
            [STDIOTunnel]
            Target = ssh.example.net:22
            [Socks5]
            BindAddress = 127.0.0.1:25344
            Username = u
            Password = p
            [http]
            BindAddress = localhost:25345
            """, "wp.conf");
        Assert.Equal(["--egress tcp:25565:play.example.net:25565,bind=127.0.0.1", "--egress tcp:81:[fd00::1]:80", "--ingress tcp:3422:localhost:25545", "--egress udp:53:10.0.0.1:53,bind=::1,idle=30s"],
            read.Rules.Select(rule => rule.AsFlag));
        Assert.Equal(new DnsEndPoint("ssh.example.net", 22), read.Stdio);
        Assert.Equal([(DoorKind.Socks5, "127.0.0.1:25344", true), (DoorKind.Http, "127.0.0.1:25345", false)], read.Doors.Select(door => (door.Kind, door.Local.ToString(), door.Credentials is not null)));
        Assert.True(read.Doors[0].Credentials!.Match("u"u8, "p"u8));
    }

    [Theory]
    [InlineData("[Socks5]\nBindAddress = x", "line 6", "BindAddress")]
    [InlineData("[Socks5]\nBindAddress = 127.0.0.1:1\nUsername = u", "line 6", "both or neither")]
    [InlineData("[Socks5]\nBind = 127.0.0.1:1", "line 7", "is BindAddress meant?")]
    [InlineData("[http]\nBindAddress = :1\nBindAddress = :2", "line 8", "twice")]
    [InlineData("[TCPClientTunnel]\nBindAddress = 127.0.0.1:1", "line 6", "fewer than four parts")]
    [InlineData("[TCPServerTunnel]\nListenPort = 0\nTarget = h:1", "line 6", "port from 1 to 65535")]
    [InlineData("[STDIOTunnel]\nTarget = h", "line 6", "Target")]
    [InlineData("[STDIOTunnel]\nTarget = h:1\n[STDIOTunnel]\nTarget = h:2", "line 8", "one standard input")]
    [InlineData("[Resolve]", "line 6", "[Socks5]")]
    [InlineData("[http]\nBindAddress = $NO_SUCH_VARIABLE_OF_GINNEL", "line 7", "NO_SUCH_VARIABLE_OF_GINNEL")]
    public void What_is_wrong_is_said_with_its_line(string text, string line, string what)
    {
        ConfigurationException failure = Assert.Throws<ConfigurationException>(() => WireGuardFile.Parse(Tunnel + text, "wp.conf"));
        Assert.Contains(line, failure.Message);
        Assert.Contains(what, failure.Message);
    }

    [Fact]
    public void The_tunnel_may_stand_in_a_file_of_its_own()
    {
        File.WriteAllText(Path.Combine(_folder, "wg.conf"), Tunnel);
        string outer = Path.Combine(_folder, "wp.conf");
        ProxyConfiguration read = WireGuardFile.Parse("WGConfig = wg.conf\n[Socks5]\nBindAddress = 127.0.0.1:1", outer);
        Assert.Single(read.Peers);
        Assert.Single(read.Doors);
        Assert.Contains("wp.conf, line 1", Assert.Throws<ConfigurationException>(() => WireGuardFile.Parse("WGConfig = none.conf", outer)).Message);
        File.WriteAllText(Path.Combine(_folder, "bad.conf"), "[Interface]\nPrivateKey = x");
        Assert.Contains("bad.conf, line 2", Assert.Throws<ConfigurationException>(() => WireGuardFile.Parse("\nWGConfig = bad.conf", outer)).Message);
        File.WriteAllText(outer, "WGConfig = wp.conf");
        Assert.Contains("includes no other", Assert.Throws<ConfigurationException>(() => WireGuardFile.Load(outer)).Message);
    }

    [Fact]
    public void A_value_may_come_from_the_environment()
    {
        Environment.SetEnvironmentVariable("GINNEL_TEST_TARGET", "h:2");
        Assert.Equal("tcp:1:h:2", WireGuardFile.Parse(Tunnel + "[TCPServerTunnel]\nListenPort = 1\nTarget = $GINNEL_TEST_TARGET", "wp.conf").Rules[0].ToString());
    }

    [Fact]
    public void A_public_door_without_credentials_says_why_it_may_not_be()
    {
        Assert.NotNull(WireGuardFile.Parse(Tunnel + "[Socks5]\nBindAddress = 0.0.0.0:1", "wp.conf").Doors[0].Refusal);
        Assert.Null(WireGuardFile.Parse(Tunnel + "[Socks5]\nBindAddress = 0.0.0.0:1\nUsername = a\nPassword = b", "wp.conf").Doors[0].Refusal);
    }
}
