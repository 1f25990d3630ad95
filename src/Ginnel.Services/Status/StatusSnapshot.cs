namespace Ginnel.Services.Status;

/// <summary>What the status page tells, at one moment.</summary>
public sealed record StatusSnapshot
{
    /// <summary>The program's name and version.</summary>
    public required string Version { get; init; }

    /// <summary>How long the stack has been up.</summary>
    public required TimeSpan Uptime { get; init; }

    /// <summary>The network as seen from inside: what it is, and its value; in the order of display.</summary>
    public required IReadOnlyList<StatusLine> Network { get; init; }

    /// <summary>Flows that live now.</summary>
    public required IReadOnlyList<StatusFlow> Flows { get; init; }

    /// <summary>Flows that have ended.</summary>
    public long EndedFlows { get; init; }

    /// <summary>Bytes from the program to the network in all flows, ended ones included.</summary>
    public long BytesUp { get; init; }

    /// <summary>Bytes from the network to the program.</summary>
    public long BytesDown { get; init; }
}

/// <summary>A line of the page.</summary>
/// <param name="Key">Its name in JSON, in camel case.</param>
/// <param name="Title">Its name for people.</param>
/// <param name="Values">One or more values.</param>
public readonly record struct StatusLine(string Key, string Title, IReadOnlyList<string> Values);

/// <summary>A live flow.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Protocol"><c>tcp</c>, <c>udp</c> or <c>icmp</c>.</param>
/// <param name="Source">Who began it; null where there is nobody to name.</param>
/// <param name="Destination">Where it goes; null for a port with many targets.</param>
/// <param name="Name">The name under which the address was given out; null for none.</param>
/// <param name="BytesUp">Bytes toward the destination.</param>
/// <param name="BytesDown">Bytes from it.</param>
/// <param name="Age">How long it has lived.</param>
public sealed record StatusFlow(long Id, string Protocol, string? Source, string? Destination, string? Name, long BytesUp, long BytesDown, TimeSpan Age);
