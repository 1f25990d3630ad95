using System.Net;

namespace Ginnel.Proxy.Tests;

/// <summary>wg-quick's files, and what is said of those that are wrong.</summary>
public sealed class WireGuardFileTests
{
    private const string Private = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=", Public = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=",
        Preshared = "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=";

    private const string Good = $"""
        [Interface]
        PrivateKey = {Private}   # a comment
        Address = 10.0.0.2/32, fd00::2/128
        address = 10.9.0.1
        DNS = 10.0.0.1, fd00::1, corp.example
        MTU = 1380
        ListenPort=51820

        [Peer]
        PublicKey = {Public}
        PresharedKey = {Preshared}
        AllowedIPs = 10.0.0.0/8, 192.0.2.7/24
        AllowedIPs = fd00::/64
        Endpoint = vpn.example.org:51820
        PersistentKeepalive = 25
        [peer]
        publickey = {Preshared}
        Endpoint = [2001:db8::1]:1
        PersistentKeepalive = off
        """;

    [Fact]
    public void A_file_of_wg_quick_is_understood()
    {
        ProxyConfiguration configuration = WireGuardFile.Parse(Good, "wg0.conf");
        Assert.Equal(Private, Convert.ToBase64String(configuration.PrivateKey));
        Assert.Equal(["10.0.0.2/32", "fd00::2/128", "10.9.0.1/32"], configuration.Addresses.Select(address => $"{address.Address}/{address.PrefixLength}"));
        Assert.Equal([IPAddress.Parse("10.0.0.1"), IPAddress.Parse("fd00::1")], configuration.NameServers);
        Assert.Equal((1_380, 51_820, 2), (configuration.Mtu, configuration.ListenPort, configuration.Peers.Count));
        Assert.Equal(["10.0.0.0/8", "192.0.2.0/24", "fd00::/64"], configuration.Peers[0].AllowedIps.Select(network => network.ToString()));
        Assert.Equal(new DnsEndPoint("vpn.example.org", 51_820), configuration.Peers[0].Endpoint);
        Assert.Equal(TimeSpan.FromSeconds(25), configuration.Peers[0].PersistentKeepalive);
        Assert.Equal(new IPEndPoint(IPAddress.Parse("2001:db8::1"), 1), configuration.Peers[1].Endpoint);
        Assert.Equal(TimeSpan.Zero, configuration.Peers[1].PersistentKeepalive);
        Assert.Null(configuration.Peers[1].PresharedKey);
    }

    [Theory]
    [InlineData("PostUp = iptables -A", "line 2", "changes the host")]
    [InlineData("Table = off", "line 2", "changes the host")]
    [InlineData("PrivatKey = x", "line 2", "PrivateKey meant")]
    [InlineData("Colour = red", "line 2", "there are PrivateKey")]
    [InlineData("MTU = 100", "line 2", "from 576 to 65000")]
    [InlineData("ListenPort = x", "line 2", "from 0 to 65535")]
    [InlineData("Address = 10.0.0.1/33", "line 2", "10.0.0.2/32")]
    [InlineData("DNS = ???", "line 2", "search domain")]
    [InlineData("nonsense", "line 2", "Key = value")]
    [InlineData("[Sox5]", "line 2", "not known")]
    [InlineData("[Peer]\nEndpoint = nowhere", "line 3", "host:port")]
    [InlineData("[Peer]\nEndpoint = fd00::1:5", "line 3", "host:port")]
    [InlineData("[Peer]\nPersistentKeepalive = 70000", "line 3", "from 0 to 65535")]
    [InlineData("[Peer]\nAllowedIPs = everything", "line 3", "no address with its network")]
    [InlineData("[Peer]\nMTU = 1420", "line 3", "not known in [peer]")]
    public void What_is_wrong_is_said_with_its_line(string lines, string where, string why)
    {
        ConfigurationException error = Assert.Throws<ConfigurationException>(() => WireGuardFile.Parse("[Interface]\n" + lines, "wg0.conf"));
        Assert.Contains("wg0.conf, " + where, error.Message);
        Assert.Contains(why, error.Message);
    }

    [Theory]
    [InlineData("[Interface]\nAddress = 10.0.0.1/32", "no PrivateKey")]
    [InlineData("[Interface]\nPrivateKey = " + Private, "no Address")]
    [InlineData("[Interface]\nPrivateKey = " + Private + "\nAddress = 10.0.0.1\n[Peer]\nAllowedIPs = ::/0", "no PublicKey")]
    [InlineData("Address = 10.0.0.1", "before any section")]
    [InlineData("", "no PrivateKey")]
    public void What_is_missing_is_said(string text, string why) =>
        Assert.Contains(why, Assert.Throws<ConfigurationException>(() => WireGuardFile.Parse(text, "wg0.conf")).Message);

    [Theory]
    [InlineData(Private)]
    [InlineData("PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBm=")]
    [InlineData("PrivateKey = not a key at all but a secret all the same")]
    public void F12_a_key_is_never_part_of_a_message(string line)
    {
        ConfigurationException error = Assert.Throws<ConfigurationException>(() => WireGuardFile.Parse("[Interface]\n" + line, "wg0.conf"));
        Assert.DoesNotContain(line[13..^1], error.Message);
        ProxyConfiguration good = WireGuardFile.Parse(Good, "wg0.conf");
        Assert.DoesNotContain(Private, good.ToString());
    }

    [Fact]
    public void A_private_key_may_stand_in_a_file_beside()
    {
        string folder = Directory.CreateTempSubdirectory("ginnel-config-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "key"), Private + "\n");
            string path = Path.Combine(folder, "wg0.conf");
            File.WriteAllText(path, "[Interface]\nPrivateKeyFile = key\nAddress = 10.0.0.1\n");
            Assert.Equal(Private, Convert.ToBase64String(WireGuardFile.Load(path).PrivateKey));
            File.Delete(Path.Combine(folder, "key"));
            Assert.Contains("cannot be read", Assert.Throws<ConfigurationException>(() => WireGuardFile.Load(path)).Message);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void No_text_makes_the_reader_fail_otherwise_than_it_says()
    {
        Random random = new(2);
        string[] pieces = ["[Interface]", "[Peer]", "\n", "=", "PrivateKey", "Address", "AllowedIPs", " 10.0.0.1/", "32", "Endpoint", ":", "[", "]", "#", Private, "\0", ",", "DNS", "off", "/", "99999999999"];
        for (int i = 0; i < 20_000; i++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(25)).Select(_ => pieces[random.Next(pieces.Length)]));
            try
            {
                WireGuardFile.Parse(text, "x");
            }
            catch (ConfigurationException)
            {
            }
        }
    }
}
