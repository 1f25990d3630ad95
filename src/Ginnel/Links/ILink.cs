using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel;

/// <summary>A carrier of packets: TUN, a stream, a tunnel, memory. Decorators (faults, capture) are links around a link.</summary>
public interface ILink : IAsyncDisposable
{
    /// <summary>Medium, MTU and offloads as of now; a change is told to the sink.</summary>
    LinkProperties Properties { get; }

    /// <summary>
    /// Carries packets until the link ends or the token is cancelled; both end the task without an exception, a broken carrier ends it with
    /// an <see cref="IOException"/>. Delivers on whichever thread it runs, never concurrently with itself. Runs once at a time.
    /// </summary>
    Task RunAsync(ILinkSink sink, CancellationToken cancellationToken);

    /// <summary>
    /// Takes packets from the head of the queue while there is room, and owns those it took; never blocks. When it leaves some, it calls
    /// <see cref="ILinkSink.Writable"/> once there is room again. Called by one thread at a time, also while <see cref="RunAsync"/> delivers.
    /// </summary>
    /// <returns>How many packets it took.</returns>
    int Send(ref PacketQueue queue);
}

/// <summary>
/// What a link reports to; a shard of a network host, or a decorator. Gives packets to read into; when it has none, its pool is at its limit,
/// the link reads and discards, or waits.
/// </summary>
public interface ILinkSink : IPacketSource
{
    /// <summary>Hands over a batch that arrived; the queue is empty afterwards.</summary>
    void Deliver(ref PacketQueue batch);

    /// <summary>There is room again after <see cref="ILink.Send"/> left packets.</summary>
    void Writable();

    /// <summary>The link's properties changed, or it came up or went down.</summary>
    void Changed(LinkProperties properties, bool up);
}
