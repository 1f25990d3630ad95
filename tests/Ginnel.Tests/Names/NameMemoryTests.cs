using System.Net;
using Ginnel.Testing;

namespace Ginnel.Tests;

/// <summary>What is remembered of answers, and what a resolv.conf says.</summary>
public sealed class NameMemoryTests
{
    [Fact]
    public void NamesAreToldNewestFirstAndForgottenInTime()
    {
        SimulatedTime time = new();
        GivenNames names = new(time: time);
        IPAddress address = IPAddress.Parse("192.0.2.1");
        names.Add(address, "old.example", TimeSpan.FromSeconds(10));
        names.Add(address, "new.example", TimeSpan.FromHours(1));
        Assert.Equal(["new.example", "old.example"], names.NamesOf(address));
        time.Advance(GivenNames.Grace + TimeSpan.FromSeconds(11));
        Assert.Equal(["new.example"], names.NamesOf(address));
        Assert.Empty(names.NamesOf(IPAddress.Parse("192.0.2.2")));
    }

    [Fact]
    public void TheAddressGivenOutLongestAgoMakesRoom()
    {
        GivenNames names = new(maxAddresses: 2);
        IPAddress[] addresses = [.. Enumerable.Range(1, 3).Select(i => IPAddress.Parse($"192.0.2.{i}"))];
        names.Add(addresses[0], "a", TimeSpan.FromMinutes(1));
        names.Add(addresses[1], "b", TimeSpan.FromMinutes(1));
        names.Add(addresses[0], "a", TimeSpan.FromMinutes(1));
        names.Add(addresses[2], "c", TimeSpan.FromMinutes(1));
        Assert.Equal(2, names.Count);
        Assert.Empty(names.NamesOf(addresses[1]));
        Assert.Equal(["a"], names.NamesOf(addresses[0]));
    }

    [Fact]
    public void AnAddressHasFewNames()
    {
        GivenNames names = new();
        IPAddress address = IPAddress.Parse("192.0.2.1");
        for (int i = 0; i < 100; i++) names.Add(address, $"n{i}.example", TimeSpan.FromMinutes(1));
        Assert.Equal(GivenNames.MaxNamesPerAddress, names.NamesOf(address).Count);
        Assert.Equal("n99.example", names.NamesOf(address)[0]);
    }

    [Fact]
    public void AResolvConfIsReadAsTheCLibraryReadsIt()
    {
        ResolverConfiguration read = ResolverConfiguration.Parse(
            "# comment\n;another\nnameserver 192.0.2.53\nnameserver\tfe80::1%2\nnameserver nonsense\nnameserver ::1\nnameserver 192.0.2.4\n"
            + "domain one.example\nsearch two.example three.example\noptions ndots:2 timeout:9 rotate\nunknown thing\n");
        Assert.Equal(ResolverConfiguration.MaxServers, read.Servers.Count);
        Assert.Equal("192.0.2.53:53", read.Servers[0].ToString());
        Assert.Equal(["two.example", "three.example"], read.Search);
        Assert.True(read.Rotate);
        Assert.Equal(TimeSpan.FromSeconds(9), read.Timeout);
        Assert.Empty(ResolverConfiguration.Parse("").Servers);
    }

    [Fact]
    public void AResolvConfThatChangesIsReadAgain()
    {
        SimulatedTime time = new();
        string path = Path.Combine(Path.GetTempPath(), $"ginnel-resolv-{Guid.NewGuid():N}");
        try
        {
            HostResolverFile file = new(path, time);
            Assert.Empty(file.Current.Servers);
            File.WriteAllText(path, "nameserver 192.0.2.1\n");
            Assert.Empty(file.Current.Servers);
            time.Advance(TimeSpan.FromSeconds(2));
            Assert.Single(file.Current.Servers);
            File.WriteAllText(path, "nameserver 192.0.2.1\nnameserver 192.0.2.2\n");
            time.Advance(TimeSpan.FromSeconds(2));
            Assert.Equal(2, file.Current.Servers.Count);
            File.Delete(path);
            time.Advance(TimeSpan.FromSeconds(2));
            Assert.Empty(file.Current.Servers);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
