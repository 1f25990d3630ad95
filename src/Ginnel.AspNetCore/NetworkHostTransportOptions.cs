namespace Ginnel.AspNetCore;

/// <summary>How connections of a <see cref="NetworkHost"/> are handed to a server.</summary>
public sealed class NetworkHostTransportOptions
{
    /// <summary>Established connections that may wait to be accepted, 1–65,535; more are left to the peer's retries.</summary>
    public int Backlog { get; init; } = 512;

    /// <summary>Bytes of one connection that wait to be read by the server; above it the connection's receive window closes. 0: no limit.</summary>
    public long MaxReadBufferSize { get; init; } = 1 << 20;

    /// <summary>Bytes of one connection that wait to be sent; above it the server's writes wait. 0: no limit.</summary>
    public long MaxWriteBufferSize { get; init; } = 64 << 10;

    /// <summary>
    /// Whether a client that has closed its direction still waits for an answer. Off, as with Kestrel's own sockets: a FIN means that the
    /// client has gone, and <c>RequestAborted</c> fires. On: a FIN ends the request's bytes only, the answer is delivered, and a client that
    /// went away is found out when it is written to.
    /// </summary>
    public bool AllowHalfClose { get; init; }

    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Backlog, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Backlog, 65_535);
        ArgumentOutOfRangeException.ThrowIfNegative(MaxReadBufferSize);
        ArgumentOutOfRangeException.ThrowIfNegative(MaxWriteBufferSize);
    }
}
