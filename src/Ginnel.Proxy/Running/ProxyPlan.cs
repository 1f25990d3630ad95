namespace Ginnel.Proxy;

/// <summary>What a proxy is to do from the beginning.</summary>
public sealed class ProxyPlan
{
    /// <summary>The tunnel.</summary>
    public required ProxyConfiguration Configuration { get; init; }

    /// <summary>The ports to begin with.</summary>
    public IReadOnlyList<ProxyRule> Rules { get; init; } = [];

    /// <summary>SOCKS5 and HTTP proxies for programs of this host.</summary>
    public IReadOnlyList<ProxyDoor> Doors { get; init; } = [];

    /// <summary>Ports of this host's loopback that the tunnel's side reaches without a rule; null for none.</summary>
    public PortRanges? AllIngress { get; init; }

    /// <summary>Ports of this host that are never reached so: our own, which would lead in a circle or to our figures.</summary>
    public IReadOnlySet<int> OwnPorts { get; init; } = new HashSet<int>();

    /// <summary>Where the inside of the tunnel is recorded; null for nowhere. Stays the caller's.</summary>
    public CaptureFile? Capture { get; init; }
}
