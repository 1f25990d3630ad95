using System.Net;
using Ginnel.Netstack;

namespace Ginnel;

/// <summary>How an entrance behaves.</summary>
public sealed class EntranceOptions
{
    /// <summary>Name for messages and status.</summary>
    public string Name { get; init; } = "entrance";

    /// <summary>What it shares with other hosts; null for the process's own.</summary>
    public NetworkRuntime? Runtime { get; init; }

    /// <summary>How TCP behaves.</summary>
    public TcpOptions Tcp { get; init; } = new();

    /// <summary>Whether IPv6 is spoken.</summary>
    public bool IpV6 { get; init; } = true;

    /// <summary>Name servers that are asked through the exit; null for the exit's own, empty to refuse names.</summary>
    public IReadOnlyList<IPEndPoint>? NameServers { get; init; }
}
