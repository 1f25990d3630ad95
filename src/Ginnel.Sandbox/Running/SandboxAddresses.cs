using System.Net;
using System.Net.Sockets;
using Ginnel.Sandbox.Launch;

namespace Ginnel.Sandbox;

/// <summary>The addresses of one sandbox: a plan for each family that it has.</summary>
/// <param name="V4">IPv4; always there.</param>
/// <param name="V6">IPv6, or null.</param>
internal sealed record SandboxAddresses(AddressPlan V4, AddressPlan? V6)
{
    /// <summary>The domain of our own names, which is also the stack's.</summary>
    public const string Zone = "ginnel.internal";

    private static readonly string[] HostNames = ["host.ginnel.internal", "host.containers.internal", "host.docker.internal"];

    /// <summary>The plans that there are.</summary>
    public IEnumerable<AddressPlan> Plans => V6 is null ? [V4] : [V4, V6];

    /// <summary>Takes the networks that were named, and for the rest the first that this host has no route to.</summary>
    /// <exception cref="LaunchException">Two of one family, or one that is too small.</exception>
    public static SandboxAddresses Choose(RunOptions options, Func<HostRoutes> readRoutes)
    {
        bool hasV6 = options.IpV6 && options.Mtu >= LaunchOptions.SmallestMtuV6 && NetworkScript.HasIpv6;
        Lazy<HostRoutes> routes = new(readRoutes);
        AddressPlan v4 = Plan(options, AddressFamily.InterNetwork, routes);
        AddressPlan? v6 = hasV6 ? Plan(options, AddressFamily.InterNetworkV6, routes) : null;
        return new SandboxAddresses(v4, v6);
    }

    /// <summary>Names that the sandbox's DNS answers itself.</summary>
    public Dictionary<string, IReadOnlyList<IPAddress>> Names
    {
        get
        {
            Dictionary<string, IReadOnlyList<IPAddress>> names = new() { [Zone] = [.. Plans.Select(p => p.Gateway)] };
            foreach (string name in HostNames) names.Add(name, [.. Plans.Select(p => p.Host)]);
            names.Add("dns.ginnel.internal", [.. Plans.Select(p => p.NameServer)]);
            return names;
        }
    }

    /// <summary>Where the address that stands for the host leads; null for every other address.</summary>
    public IPEndPoint? RedirectHost(IPEndPoint asked)
    {
        if (asked.Address.Equals(V4.Host)) return new IPEndPoint(IPAddress.Loopback, asked.Port);
        return V6 is not null && asked.Address.Equals(V6.Host) ? new IPEndPoint(IPAddress.IPv6Loopback, asked.Port) : null;
    }

    /// <summary>Whether the address stands for the host.</summary>
    public bool IsHost(IPAddress address) => address.Equals(V4.Host) || (V6 is not null && address.Equals(V6.Host));

    /// <summary>Whether the address lies in the sandbox's own networks, where there is nobody but the stack and the program.</summary>
    public bool IsInside(IPAddress address) => V4.Subnet.Contains(address) || (V6 is not null && V6.Subnet.Contains(address));

    private static AddressPlan Plan(RunOptions options, AddressFamily family, Lazy<HostRoutes> routes)
    {
        IPNetwork[] named = options.Subnets.Count == 0 ? [] : [.. options.Subnets.Where(s => s.BaseAddress.AddressFamily == family)];
        string name = family == AddressFamily.InterNetwork ? "IPv4" : "IPv6";
        if (named.Length > 1) throw new LaunchException(LaunchFailure.BadOptions, $"Two {name} subnets were named: {named[0]} and {named[1]}.", "A sandbox has one of each family.");
        try
        {
            return named.Length == 1 ? AddressPlan.For(named[0]) : AddressPlan.For(routes.Value.ChoosePrefix(family));
        }
        catch (ArgumentException failure)
        {
            throw new LaunchException(LaunchFailure.BadOptions, failure.Message, null, failure);
        }
    }
}
