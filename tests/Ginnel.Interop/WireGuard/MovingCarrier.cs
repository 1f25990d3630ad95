using System.Net;

namespace Ginnel.Interop.WireGuard;

/// <summary>A carrier that moves to another port when told to, as behind a NAT that forgets: sessions stay, our address changes.</summary>
internal sealed class MovingCarrier : IDatagramCarrier
{
    private readonly Func<int, IDatagramCarrier> _bind;
    private readonly CancellationTokenSource _ended = new();
    private IDatagramCarrier _current;

    public MovingCarrier(Func<int, IDatagramCarrier> bind, int port)
    {
        _bind = bind;
        _current = bind(port);
        (MaxDatagram, MaxSegments) = (_current.MaxDatagram, _current.MaxSegments);
    }

    public EndPoint? LocalEndPoint => Volatile.Read(ref _current).LocalEndPoint;

    public int MaxDatagram { get; }

    /// <summary>The handshakes that have passed.</summary>
    public HandshakeNotes Notes { get; } = new();

    public int MaxSegments { get; }

    public async Task RunAsync(ICarrierSink sink, CancellationToken cancellationToken)
    {
        while (!_ended.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            IDatagramCarrier carrier = Volatile.Read(ref _current);
            await carrier.RunAsync(new NotingSink(sink, Notes), cancellationToken).ConfigureAwait(false);
        }
    }

    public bool TrySend(CarrierEndpoint to, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        if (datagrams.Length <= segmentSize) Notes.NoteSent(to, datagrams);
        return Volatile.Read(ref _current).TrySend(to, datagrams, segmentSize);
    }

    /// <summary>Binds another port, from which is sent henceforth; the one before is closed.</summary>
    public async Task MoveAsync(int port)
    {
        IDatagramCarrier before = Interlocked.Exchange(ref _current, _bind(port));
        await before.DisposeAsync().ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync().ConfigureAwait(false);
        await Volatile.Read(ref _current).DisposeAsync().ConfigureAwait(false);
    }

    private sealed class NotingSink(ICarrierSink sink, HandshakeNotes notes) : ICarrierSink
    {
        public void Deliver(CarrierEndpoint from, Span<byte> datagrams, int segmentSize)
        {
            for (Span<byte> rest = datagrams; !rest.IsEmpty; rest = rest[Math.Min(segmentSize, rest.Length)..])
                notes.NoteReceived(rest[..Math.Min(segmentSize, rest.Length)]);
            sink.Deliver(from, datagrams, segmentSize);
        }

        public void EndOfBatch() => sink.EndOfBatch();

        public void Writable() => sink.Writable();
    }
}
