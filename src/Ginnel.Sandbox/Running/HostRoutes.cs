using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Ginnel.Wire;

namespace Ginnel.Sandbox;

/// <summary>The networks to which this host has routes of their own, so that a sandbox does not hide one of them from its program.</summary>
public sealed class HostRoutes
{
    private readonly List<IpPrefix> _prefixes = [];

    private HostRoutes()
    {
    }

    /// <summary>Reads the kernel's tables; what cannot be read is as if it were empty.</summary>
    public static HostRoutes Read() => Parse(ReadLines("/proc/net/route"), ReadLines("/proc/net/ipv6_route"));

    /// <summary>Reads the two tables in the kernel's formats. Default routes do not count.</summary>
    internal static HostRoutes Parse(IEnumerable<string> v4, IEnumerable<string> v6)
    {
        HostRoutes routes = new();
        foreach (string line in v4) routes.AddV4(line.Split('\t', StringSplitOptions.TrimEntries));
        foreach (string line in v6) routes.AddV6(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        return routes;
    }

    /// <summary>Whether a route leads into the network, or the network into a route's.</summary>
    public bool Touches(IPNetwork network) => Touches(IpPrefix.From(network));

    private bool Touches(IpPrefix network)
    {
        foreach (IpPrefix prefix in _prefixes)
        {
            if (network.Overlaps(prefix)) return true;
        }
        return false;
    }

    /// <summary>The first candidate that no route touches.</summary>
    /// <exception cref="LaunchException">Every candidate is taken.</exception>
    public IPNetwork Choose(AddressFamily family) => ChoosePrefix(family).ToIPNetwork();

    internal IpPrefix ChoosePrefix(AddressFamily family)
    {
        for (int i = 0; AddressPlan.Candidate(family == AddressFamily.InterNetwork, i) is { } candidate; i++)
        {
            if (!Touches(candidate)) return candidate;
        }
        string name = family == AddressFamily.InterNetwork ? "IPv4" : "IPv6";
        throw new LaunchException(LaunchFailure.BadOptions, $"This host has routes to every {name} network that Ginnel would take for the sandbox.", "Name a free one with --subnet.");
    }

    // Interface, destination, gateway, flags, …, mask: numbers in the machine's byte order, in hexadecimal.
    private void AddV4(string[] fields)
    {
        if (fields.Length < 8 || !TryHex(fields[1], out uint destination) || !TryHex(fields[7], out uint mask) || mask == 0) return;
        uint address = BinaryPrimitives.ReverseEndianness(destination);
        int length = int.CreateTruncating(uint.PopCount(mask));
        _prefixes.Add(new IpPrefix(IpAddress.FromV4(address), length));
    }

    // Destination, its prefix length, …, interface.
    private void AddV6(string[] fields)
    {
        if (fields.Length < 10 || fields[0].Length != 32 || !TryHex(fields[1], out uint length) || length is 0 or > 128) return;
        if (!ulong.TryParse(fields[0].AsSpan(0, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong high)) return;
        if (!ulong.TryParse(fields[0].AsSpan(16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong low)) return;
        _prefixes.Add(new IpPrefix(IpAddress.FromV6(high, low), (int)length));
    }

    private static bool TryHex(string text, out uint value) => uint.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);

    private static string[] ReadLines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
