using Ginnel.Wire;
using static Ginnel.Netstack.Tests.TestStack;

namespace Ginnel.Netstack.Tests;

public sealed class RouteTests
{
    private static readonly InterfaceId One = new(1), Two = new(2);

    private static Route To(string prefix, InterfaceId on, string? gateway = null, int metric = 0) =>
        new(IpPrefix.Parse(prefix), on, gateway is null ? null : IpAddress.Parse(gateway), metric);

    private static InterfaceId? Via(RouteTable table, string destination, InterfaceId via = default) =>
        table.TryFind(IpAddress.Parse(destination), via, out Route route) ? route.Interface : null;

    [Fact]
    public void The_longest_prefix_wins_then_the_lower_metric()
    {
        RouteTable table = new(limit: 16);
        table.Add(To("0.0.0.0/0", One));
        table.Add(To("10.0.0.0/8", Two));
        table.Add(To("10.1.0.0/16", One, metric: 9));
        table.Add(To("10.1.0.0/16", Two, metric: 5));
        table.Add(To("10.1.2.3/32", One));
        Assert.Equal(One, Via(table, "192.0.2.1"));
        Assert.Equal(Two, Via(table, "10.9.9.9"));
        Assert.Equal(Two, Via(table, "10.1.9.9"));
        Assert.Equal(One, Via(table, "10.1.9.9", via: One));
        Assert.Equal(One, Via(table, "10.1.2.3"));
        Assert.Null(Via(table, "2001:db8::1"));
        table.Add(To("::/0", Two));
        table.Add(To("2001:db8::/33", One));
        Assert.Equal(One, Via(table, "2001:db8::1"));
        Assert.Equal(Two, Via(table, "2001:db8:8000::1"));
    }

    [Fact]
    public void An_equal_route_is_replaced_and_a_removed_one_forgotten()
    {
        RouteTable table = new(limit: 2);
        Assert.Equal(OpStatus.Ok, table.Add(To("10.0.0.0/8", One, "10.0.0.1")));
        Assert.Equal(OpStatus.Ok, table.Add(To("10.0.0.0/8", One, "10.0.0.2")));
        Assert.Equal(1, table.Count);
        Assert.True(table.TryFind(IpAddress.Parse("10.1.1.1"), default, out Route route));
        Assert.Equal(IpAddress.Parse("10.0.0.2"), route.Gateway);
        Assert.Equal(OpStatus.Ok, table.Add(To("11.0.0.0/8", One)));
        Assert.Equal(OpStatus.LimitReached, table.Add(To("12.0.0.0/8", One)));
        Assert.Equal(OpStatus.NoRoute, table.Remove(To("12.0.0.0/8", One)));
        Assert.Equal(OpStatus.Ok, table.Remove(To("10.0.0.0/8", One)));
        Assert.Null(Via(table, "10.1.1.1"));
        Assert.Equal(OpStatus.Ok, table.Add(To("12.0.0.0/8", One)));
    }

    [Fact]
    public void Longest_prefix_agrees_with_a_plain_search_for_random_tables()
    {
        Random random = new(1);
        for (int round = 0; round < 20; round++)
        {
            RouteTable table = new(limit: 1_000);
            List<Route> all = [];
            for (int i = 0; i < 200; i++)
            {
                IpPrefix prefix = new(IpAddress.FromV4((uint)random.Next(0, 16) << 28 | (uint)random.Next(0, 1 << 20)), random.Next(0, 33));
                Route route = new(prefix, new InterfaceId(i + 1));
                if (all.Exists(other => other.Destination == prefix)) continue;
                all.Add(route);
                table.Add(route);
            }
            for (int i = all.Count - 1; i >= 0; i -= 3)
            {
                table.Remove(all[i]);
                all.RemoveAt(i);
            }
            for (int i = 0; i < 500; i++)
            {
                IpAddress address = IpAddress.FromV4((uint)random.Next(0, 16) << 28 | (uint)random.Next(0, 1 << 20));
                Route best = all.Where(route => route.Destination.Contains(address)).OrderByDescending(route =>
                    route.Destination.Length).FirstOrDefault();
                Assert.Equal(best.Interface.Index, table.TryFind(address, default, out Route found) ? found.Interface.Index : 0);
            }
        }
    }

    [Fact]
    public void The_network_of_an_address_is_on_link_while_the_address_is_there()
    {
        using TestStack stack = new();
        SocketId port = stack.Bind(new IpEndpoint(IpAddress.AnyV4, 1));
        OpStatus Send(string to) => stack.Stack.Send(port, new DatagramSend(new IpEndpoint(IpAddress.Parse(to), 9)), [1], stack.Now);
        Assert.Equal(OpStatus.NoRoute, Send("192.168.5.9"));
        IpAddress a = IpAddress.Parse("192.168.5.1"), b = IpAddress.Parse("192.168.5.2");
        Assert.Equal(OpStatus.Ok, stack.Stack.AddAddress(stack.Interface, a, 24, stack.Now));
        Assert.Equal(OpStatus.Ok, stack.Stack.AddAddress(stack.Interface, b, 24, stack.Now));
        Assert.Equal(OpStatus.Ok, Send("192.168.5.9"));
        stack.Stack.RemoveAddress(stack.Interface, a);
        Assert.Equal(OpStatus.Ok, Send("192.168.5.9"));
        stack.Stack.RemoveAddress(stack.Interface, b);
        Assert.Equal(OpStatus.NoRoute, Send("192.168.5.9"));
        Assert.Equal(OpStatus.InvalidAddress, stack.Stack.RemoveAddress(stack.Interface, b));
    }

    [Theory]
    [InlineData("10.0.2.50", "10.0.2.1")]
    [InlineData("192.168.5.50", "192.168.5.1")]
    [InlineData("8.8.8.8", "10.0.2.1")]
    [InlineData("fe80::9", "fe80::1")]
    [InlineData("fd00:2::9", "fd00:2::1")]
    [InlineData("2001:db8:7::5", "2001:db8::1")]
    public void The_source_is_of_the_destinations_network_scope_or_longest_match(string destination, string source)
    {
        using TestStack stack = new();
        foreach ((string address, int length) in new[] { ("192.168.5.1", 24), ("fe80::1", 64), ("2001:db8::1", 64) })
            Assert.Equal(OpStatus.Ok, stack.Stack.AddAddress(stack.Interface, IpAddress.Parse(address), length, stack.Now));
        stack.Stack.AddRoute(new Route(IpPrefix.Parse("0.0.0.0/0"), stack.Interface));
        stack.Stack.AddRoute(new Route(IpPrefix.Parse("::/0"), stack.Interface));
        SocketId port = stack.Bind(new IpEndpoint(IpAddress.AnyV6, 1));
        Assert.Equal(OpStatus.Ok, stack.Stack.Send(port, new DatagramSend(new IpEndpoint(IpAddress.Parse(destination), 9)), [1],
            stack.Now));
        Assert.Equal(DropReason.None, IpView.TryParse(Assert.Single(stack.Sent()), out IpView ip));
        Assert.Equal(IpAddress.Parse(source), ip.Source);
    }

    [Fact]
    public void What_cannot_be_configured_is_refused()
    {
        using TestStack stack = new();
        OpStatus Address(string address, int length) =>
            stack.Stack.AddAddress(stack.Interface, IpAddress.Parse(address), length, stack.Now);
        foreach (string bad in new[] { "0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "ff02::1" })
            Assert.Equal(OpStatus.InvalidAddress, Address(bad, 8));
        Assert.Equal(OpStatus.InvalidAddress, Address("10.9.9.9", 33));
        Assert.Equal(OpStatus.InvalidAddress, Address("10.9.9.9", -1));
        Assert.Equal(OpStatus.AddressInUse, Address("10.0.2.1", 24));
        Assert.Equal(OpStatus.Stale, stack.Stack.AddAddress(new InterfaceId(7), FarV4, 24, stack.Now));
        Assert.Equal(OpStatus.Stale, stack.Stack.AddAddress(new InterfaceId(-1), FarV4, 24, stack.Now));
        Assert.Equal(OpStatus.Stale, stack.Stack.AddRoute(To("0.0.0.0/0", new InterfaceId(7))));
        Assert.Equal(OpStatus.InvalidAddress, stack.Stack.AddRoute(To("0.0.0.0/0", stack.Interface, "fe80::1")));
        Assert.Equal(OpStatus.InvalidAddress, stack.Stack.AddRoute(To("0.0.0.0/0", stack.Interface, "224.0.0.1")));
        Assert.Equal(OpStatus.NoRoute, stack.Stack.RemoveRoute(To("0.0.0.0/0", stack.Interface)));
        LinkProperties ethernet = new(LinkMedium.Ethernet, 1500);
        Assert.Throws<ArgumentException>(() => stack.Stack.AddInterface(new InterfaceOptions { Link = ethernet }));
        Assert.Throws<ArgumentException>(() => stack.Stack.AddInterface(new InterfaceOptions { Link = ethernet,
            Mac = MacAddress.Broadcast }));
        Assert.Throws<ArgumentException>(() => stack.Stack.AddInterface(new InterfaceOptions { Link = ethernet with { Mtu = 67 },
            Mac = OwnMac }));
    }

    [Fact]
    public void An_interface_has_a_limit_of_addresses()
    {
        using TestStack stack = new();
        for (int i = 0; i < NetworkInterface.MaxAddresses - 2; i++)
            Assert.Equal(OpStatus.Ok, stack.Stack.AddAddress(stack.Interface, IpAddress.FromV4(0x0B00_0001 + (uint)i), 24, stack.Now));
        Assert.Equal(OpStatus.LimitReached, stack.Stack.AddAddress(stack.Interface, IpAddress.Parse("12.0.0.1"), 24, stack.Now));
        stack.Receive(Build.Echo(IpAddress.Parse("11.0.0.200"), IpAddress.Parse("11.0.0.100"), 1, 1, []));
        Assert.Equal(0, stack.AllDrops() - stack.Drops(DropReason.BadSource)); // 11.0.0.200 is own as well
        stack.Receive(Build.Echo(PeerV4, IpAddress.Parse("11.0.0.100"), 1, 1, []));
        Assert.Single(stack.Sent());
    }
}
