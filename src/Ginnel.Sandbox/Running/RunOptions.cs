using System.Net;

namespace Ginnel.Sandbox;

/// <summary>What <c>ginnel run</c> was asked for.</summary>
public sealed record RunOptions
{
    /// <summary>The program and its arguments, byte for byte; at least one word.</summary>
    public required IReadOnlyList<byte[]> Command { get; init; }

    /// <summary>Whether there is IPv6 inside.</summary>
    public bool IpV6 { get; init; } = true;

    /// <summary>Longest IP packet towards the program in bytes, 68–65,520.</summary>
    public int Mtu { get; init; } = 1500;

    /// <summary>The networks inside, at most one of each family; what is missing is chosen.</summary>
    public IReadOnlyList<IPNetwork> Subnets { get; init; } = [];

    /// <summary>Name servers to ask; empty for the host's.</summary>
    public IReadOnlyList<IPAddress> NameServers { get; init; } = [];

    /// <summary>Whether the host's loopback is reachable, as <c>host.ginnel.internal</c>.</summary>
    public bool HostLoopback { get; init; }

    /// <summary>Ports of the host that lead inside.</summary>
    public IReadOnlyList<PublishRule> Publish { get; init; } = [];

    /// <summary>Whether an ordinary user is uid 0 inside.</summary>
    public bool AsRoot { get; init; }

    /// <summary>Where to write every packet, in pcapng; null for nowhere.</summary>
    public string? CaptureFile { get; init; }

    /// <summary>Where a line for every flow goes; null for nowhere. Not disposed of.</summary>
    public LineQueue? FlowLog { get; init; }

    /// <summary>Where totals go at the end; null for nowhere. Not disposed of.</summary>
    public TextWriter? Summary { get; init; }

    /// <summary>Whether <c>http://ginnel.internal/</c> is served.</summary>
    public bool StatusPage { get; init; } = true;

    /// <summary>What the status page calls this program; asked for when the page is.</summary>
    public Func<string> Version { get; init; } = () => "ginnel";

    /// <summary>Which device leads out.</summary>
    public DeviceChoice Device { get; init; }

    /// <summary>How this program starts itself anew; see <see cref="LaunchOptions.SelfCommand"/>.</summary>
    public IReadOnlyList<string>? SelfCommand { get; init; }

    /// <summary>Whether the process has nothing else to do: what a burst left behind in its heap is then given back while it rests.</summary>
    public bool OwnsProcess { get; init; }

    /// <summary>
    /// Called when the program has ended and nothing of its is under way, before the network is taken down piece by piece. A process that has
    /// nothing else to do may end right there and leave that to the kernel. Null: no such haste.
    /// </summary>
    public Action<ExitStatus>? Over { get; init; }

    /// <summary>What a launcher script saw of the caller before the .NET runtime started.</summary>
    public CallerRecord Caller { get; init; }
}
