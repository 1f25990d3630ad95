using Ginnel.Netstack;
using Ginnel.Wire;
using Ginnel.WireGuard.Protocol;

namespace Ginnel.WireGuard;

/// <content>Messages in, on the carrier's thread alone.</content>
public sealed partial class WireGuardLink
{
    private readonly SegmentCoalescer _coalescer = new(ipOffset: 0);
    private readonly List<Heard> _heard = [];
    private readonly Outbox _receiveOutbox = new();
    private PacketQueue _received;

    /// <inheritdoc/>
    void ICarrierSink.Deliver(CarrierEndpoint from, Span<byte> datagrams, int segmentSize) => Deliver(from, datagrams, segmentSize, EcnCodepoint.NotEct);

    /// <inheritdoc/>
    void ICarrierSink.Deliver(CarrierEndpoint from, Span<byte> datagrams, int segmentSize, EcnCodepoint ecn) =>
        Deliver(from, datagrams, segmentSize, ecn);

    private void Deliver(CarrierEndpoint from, Span<byte> datagrams, int segmentSize, EcnCodepoint ecn)
    {
        Instant now = Now;
        while (!datagrams.IsEmpty)
        {
            Span<byte> message = datagrams[..Math.Min(segmentSize, datagrams.Length)];
            datagrams = datagrams[message.Length..];
            if (Messages.TypeOf(message) == MessageType.Transport) OpenOne(from, message, ecn, now);
            else
                lock (_control)
                    if (_disposed == 0) _device.ReceiveHandshake(from, message, now, _receiveOutbox);
        }
    }

    /// <inheritdoc/>
    void ICarrierSink.EndOfBatch()
    {
        if (_heard.Count > 0)
        {
            lock (_control)
            {
                foreach (Heard heard in _heard)
                    _device.Received(heard.Session, heard.From, heard.Bytes, heard.HasData, _time.GetUtcNow(), Now, _receiveOutbox);
            }
            _heard.Clear();
        }
        _coalescer.Flush(ref _received);
        if (!_received.IsEmpty)
        {
            if (_sink is { } sink) sink.Deliver(ref _received);
            _received.ReturnAll();
        }
        Carry(_receiveOutbox);
    }

    private void OpenOne(CarrierEndpoint from, Span<byte> message, EcnCodepoint outer, Instant now)
    {
        if (_device.FindSession(Messages.ReadIndex(message, Messages.TransportReceiver)) is not { } session)
        {
            _device.Counters.UnknownSession++;
            return;
        }
        Span<byte> packet;
        lock (session.OpenLock)
        {
            if (!session.IsAlive(now) || !session.TryOpen(message, out packet))
            {
                _device.Counters.BadTransport++;
                return;
            }
        }
        Note(session, from, message.Length, hasData: !packet.IsEmpty);
        if (packet.IsEmpty) return;
        // Who may send from an address is who is sent to at it (paper, section 2): a peer cannot speak for another.
        if (!IpHeader.TryReadSource(packet, out IpAddress source, out int length) || !ReferenceEquals(_device.FindPeer(source), session.Peer))
        {
            _device.Counters.BadPacket++;
            return;
        }
        // RFC 6040 section 4.2: a mark that was made on the way outside goes on inside.
        EcnCodepoint inner = EcnField.Read(packet);
        if (!EcnField.TryCombine(inner, outer, out EcnCodepoint ecn))
        {
            _device.Counters.Congested++;
            return;
        }
        if (ecn != inner) EcnField.Write(packet, ecn);
        if (_sink is not { } sink || !_coalescer.TryAdd(packet[..length], sink, ref _received)) _device.Counters.NoBuffer++;
    }

    private void Note(Session session, CarrierEndpoint from, int bytes, bool hasData)
    {
        for (int i = 0; i < _heard.Count; i++)
        {
            Heard before = _heard[i];
            if (!ReferenceEquals(before.Session, session)) continue;
            _heard[i] = new Heard(session, from, before.Bytes + bytes, before.HasData || hasData);
            return;
        }
        _heard.Add(new Heard(session, from, bytes, hasData));
    }

    /// <summary>What a batch has brought by one session.</summary>
    private readonly record struct Heard(Session Session, CarrierEndpoint From, int Bytes, bool HasData);
}
