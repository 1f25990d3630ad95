using System.Net;

namespace Ginnel;

/// <summary>A way out: host sockets, a stack, a proxy, or a decision in front of one.</summary>
public interface IDialer
{
    /// <summary>Connects. Only cancellation throws; everything the network does is in the result.</summary>
    /// <param name="target">An <see cref="IPEndPoint"/> or a <see cref="DnsEndPoint"/>.</param>
    /// <param name="flow">Who asks.</param>
    /// <param name="cancellationToken">Gives the dial up.</param>
    ValueTask<DialResult> DialAsync(EndPoint target, FlowInfo flow, CancellationToken cancellationToken = default);

    /// <summary>Opens a port for datagrams to any target (<see cref="FlowProtocol.Udp"/>) or for echo requests.</summary>
    ValueTask<BindResult> BindAsync(FlowInfo flow, CancellationToken cancellationToken = default);
}

/// <summary>A way in for connections.</summary>
public interface IListener : IAsyncDisposable
{
    /// <summary>The next connection that waits for a decision; null once the listener is closed.</summary>
    ValueTask<IPendingConnection?> AcceptAsync(CancellationToken cancellationToken = default);
}

/// <summary>A connection that is answered only after the upstream dial is decided.</summary>
public interface IPendingConnection
{
    /// <summary>Who asks for what.</summary>
    FlowInfo Flow { get; }

    /// <summary>Fires when the peer gave up: cancel the dial.</summary>
    CancellationToken Abandoned { get; }

    /// <summary>Answers, and completes with the stream once the handshake is done.</summary>
    /// <exception cref="IOException">The peer went away meanwhile.</exception>
    ValueTask<DuplexStream> AcceptAsync(CancellationToken cancellationToken = default);

    /// <summary>Refuses in the way that the reason calls for: RST, ICMP, or a reset where the handshake was done by someone else.</summary>
    void Reject(DialFailure reason);
}

/// <summary>A way in for datagrams.</summary>
public interface IPortListener : IAsyncDisposable
{
    /// <summary>The next source that waits for a decision; null once the listener is closed.</summary>
    ValueTask<IPendingPort?> AcceptPortAsync(CancellationToken cancellationToken = default);

    /// <summary>Sources that it serves at once at most, beyond which it offers no further one: a relay makes room before that.</summary>
    int MaxPorts => int.MaxValue;
}

/// <summary>A new source of datagrams. One accepted port serves every destination of that source (RFC 4787, endpoint-independent mapping).</summary>
public interface IPendingPort
{
    /// <summary>The source; its port is the identifier for echo.</summary>
    IPEndPoint Source { get; }

    /// <summary>Who asks; the destination is that of the first datagram.</summary>
    FlowInfo Flow { get; }

    /// <summary>Accepts; the datagrams that came meanwhile are the first to be received.</summary>
    ValueTask<IDatagramPort> AcceptAsync(CancellationToken cancellationToken = default);

    /// <summary>Refuses: ICMP for the datagrams that wait.</summary>
    void Reject(DialFailure reason);
}

/// <summary>
/// A port for datagrams. On a port accepted from a source, <em>remote</em> is whom the source talks to: received items name the target,
/// sent ones name the endpoint that answers. On a port bound for oneself, remote is the peer.
/// </summary>
public interface IDatagramPort : IAsyncDisposable
{
    /// <summary>Our end, or null where there is none to name.</summary>
    IPEndPoint? LocalEndPoint { get; }

    /// <summary>Receives a datagram, or an error about an earlier one. One receive at a time.</summary>
    /// <exception cref="ObjectDisposedException">The port is closed.</exception>
    ValueTask<DatagramItem> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default);

    /// <summary>
    /// Waits until a receive would not wait, or not at all where that cannot be known: lets a reader rent its buffer late. Not while a
    /// receive is under way. False once the port is closed.
    /// </summary>
    ValueTask<bool> WaitAsync(CancellationToken cancellationToken = default) => new(true);

    /// <summary>
    /// Receives what is there and the batch has room for, after <see cref="WaitAsync"/>. Where that can be known it does not wait: it adds nothing when
    /// what came was for nobody, and the batch can be given back before the next wait. Not while another receive is under way.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The port is closed.</exception>
    async ValueTask ReceiveAsync(DatagramBatch batch, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(batch);
        batch.Add(await ReceiveAsync(batch.Free, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>
    /// Sends; a failure that is known at once is the result, a later one is received as an item. Drops silently where buffers are full,
    /// as networks do.
    /// </summary>
    ValueTask<DialFailure> SendAsync(ReadOnlyMemory<byte> payload, IPEndPoint remote, CancellationToken cancellationToken = default);

    /// <summary>Sends each item that bears no failure to its remote, in their order; a failure that is known at once is noted in the item.</summary>
    async ValueTask SendAsync(DatagramBatch batch, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(batch);
        for (int i = 0; i < batch.Count; i++)
        {
            if (batch[i].Failure.Kind != DialFailureKind.None) continue;
            DialFailure failure = await SendAsync(batch.PayloadOf(i), batch[i].Remote, cancellationToken).ConfigureAwait(false);
            if (failure.Kind != DialFailureKind.None) batch[i] = batch[i] with { Failure = failure };
        }
    }

    /// <summary>On a port accepted from a source: tells it that a remote could not be reached. Elsewhere does nothing.</summary>
    void ReportFailure(IPEndPoint remote, DialFailure failure);
}

/// <summary>What a datagram port receives.</summary>
/// <param name="Length">Payload bytes in the buffer; 0 for an error.</param>
/// <param name="Remote">Whom it is from, or for; for an error the target that failed.</param>
/// <param name="Failure">Kind none for a datagram.</param>
public readonly record struct DatagramItem(int Length, IPEndPoint Remote, DialFailure Failure = default);
