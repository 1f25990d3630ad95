namespace Ginnel;

/// <summary>How a <see cref="DatagramListener"/> behaves and how much it may hold.</summary>
public sealed class DatagramListenerOptions
{
    /// <summary>For <see cref="FlowInfo.Origin"/>.</summary>
    public string Origin { get; init; } = "";

    /// <summary>Sources at once; datagrams of a further one are dropped. A relay closes idle ones before that, at seven eighths.</summary>
    public int MaxSources { get; init; } = 4_096;

    /// <summary>Bytes that wait for one source's port; further datagrams of it are dropped.</summary>
    public int BytesPerSource { get; init; } = 256 << 10;
}
