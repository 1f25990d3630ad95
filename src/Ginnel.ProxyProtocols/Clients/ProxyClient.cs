namespace Ginnel.ProxyProtocols;

/// <summary>A connected client of a proxy: whence it came, its stream, and what it has said.</summary>
internal sealed class ProxyClient(FlowInfo arrival, DuplexStream stream, int inputCapacity)
{
    /// <summary>How it came to the proxy.</summary>
    internal FlowInfo Arrival => arrival;

    internal DuplexStream Stream => stream;

    internal ClientInput Input { get; } = new(stream, inputCapacity);

    /// <summary>What it asks for now.</summary>
    internal FlowInfo Asks(FlowProtocol protocol, System.Net.EndPoint? destination) => new()
    {
        Protocol = protocol,
        Origin = arrival.Origin,
        Source = arrival.Source,
        Destination = destination,
    };

    /// <summary>Ends the connection at once.</summary>
    internal void Drop()
    {
        stream.Abort();
        stream.Dispose();
    }
}
