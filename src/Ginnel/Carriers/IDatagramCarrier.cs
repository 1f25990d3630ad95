using System.Net;
using Ginnel.Wire;

namespace Ginnel;

/// <summary>Carries datagrams between endpoints of its own kind, without order or promise: what a tunnel's messages travel in.</summary>
public interface IDatagramCarrier : IAsyncDisposable
{
    /// <summary>Where it can be reached, as far as it knows.</summary>
    EndPoint? LocalEndPoint { get; }

    /// <summary>Most bytes of one datagram.</summary>
    int MaxDatagram { get; }

    /// <summary>Most datagrams of one size that <see cref="TrySend(CarrierEndpoint, ReadOnlySpan{byte}, int)"/> takes in one buffer; 1 where each needs a call of its own.</summary>
    int MaxSegments { get; }

    /// <summary>
    /// Whether the ECN field goes with a datagram, and is told of what arrives (RFC 3168). Without it a tunnel must not let its datagrams be
    /// marked, for the marks would be lost at its end (RFC 6040 section 4.3).
    /// </summary>
    bool CarriesEcn => false;

    /// <summary>Whether the endpoint is of a kind that it carries to.</summary>
    bool CanReach(CarrierEndpoint endpoint) => true;

    /// <summary>
    /// Receives until the token is cancelled or the carrier is disposed of, which end the task without an exception; a broken carrier ends
    /// it with an <see cref="IOException"/>. Delivers on whichever thread it runs, never concurrently with itself. Runs once.
    /// </summary>
    Task RunAsync(ICarrierSink sink, CancellationToken cancellationToken);

    /// <summary>
    /// Sends datagrams that stand one behind the other, all of one size but the last, which may be shorter. Never blocks; thread-safe. What
    /// cannot be sent for any other reason than a full buffer is lost, as on a network.
    /// </summary>
    /// <param name="to">An endpoint of this carrier's kind.</param>
    /// <param name="datagrams">At most <see cref="MaxSegments"/> datagrams; read during the call only.</param>
    /// <param name="segmentSize">Bytes of each datagram but the last, at least 1.</param>
    /// <returns>False when there is no room; <see cref="ICarrierSink.Writable"/> is called once there is.</returns>
    bool TrySend(CarrierEndpoint to, ReadOnlySpan<byte> datagrams, int segmentSize);

    /// <summary>As the other, with an ECN field for each of the datagrams; ignored where the carrier cannot.</summary>
    bool TrySend(CarrierEndpoint to, ReadOnlySpan<byte> datagrams, int segmentSize, EcnCodepoint ecn) => TrySend(to, datagrams, segmentSize);
}

/// <summary>What a carrier reports to.</summary>
public interface ICarrierSink
{
    /// <summary>Datagrams from one endpoint, one behind the other, all of one size but the last, which may be shorter.</summary>
    /// <param name="from">Who sent them.</param>
    /// <param name="datagrams">Valid during the call; may be changed in place.</param>
    /// <param name="segmentSize">Bytes of each but the last, at least 1.</param>
    void Deliver(CarrierEndpoint from, Span<byte> datagrams, int segmentSize);

    /// <summary>As the other, of datagrams that all came with this ECN field.</summary>
    void Deliver(CarrierEndpoint from, Span<byte> datagrams, int segmentSize, EcnCodepoint ecn) => Deliver(from, datagrams, segmentSize);

    /// <summary>Nothing more is there for now: what was held back to be handled at once is handled.</summary>
    void EndOfBatch();

    /// <summary>There is room again after a send was refused.</summary>
    void Writable();
}
