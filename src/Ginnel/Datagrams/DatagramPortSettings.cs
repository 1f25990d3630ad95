namespace Ginnel;

/// <summary>What is not ordinary about a UDP port.</summary>
public sealed class DatagramPortSettings
{
    /// <summary>Only this interface; null for any.</summary>
    public HostInterface? Interface { get; init; }

    /// <summary>Whether broadcast may be sent and is received.</summary>
    public bool Broadcast { get; init; }

    /// <summary>Whether datagrams too big for the path come back as an item instead of being fragmented.</summary>
    public bool DontFragment { get; init; }
}
