using System.Net;

namespace Ginnel;

/// <summary>What a flow carries.</summary>
public enum FlowProtocol : byte
{
    /// <summary>A byte stream.</summary>
    Tcp,
    /// <summary>Datagrams.</summary>
    Udp,
    /// <summary>ICMP or ICMPv6 echo. On its ports the payload begins with the sequence number, 2 bytes in network order; the port is the identifier.</summary>
    IcmpEcho,
}

/// <summary>Who asks for what: travels with every dial, and is what status, audit and policy see.</summary>
public sealed record FlowInfo
{
    /// <summary>What it carries.</summary>
    public required FlowProtocol Protocol { get; init; }

    /// <summary>The stack, listener or session it comes from, for people.</summary>
    public string Origin { get; init; } = "";

    /// <summary>Where it comes from; null for a program in this process.</summary>
    public IPEndPoint? Source { get; init; }

    /// <summary>Where it was sent by its source; null for a port, which has many targets.</summary>
    public EndPoint? Destination { get; init; }

    /// <summary>Names under which this stack's DNS gave out the destination's address; bounded, newest first.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];
}
