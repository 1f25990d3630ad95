using System.Buffers.Binary;
using Ginnel.Netstack;
using Ginnel.Wire;
using Ginnel.WireGuard.Protocol;

namespace Ginnel.WireGuard;

/// <content>Packets out. Lock order: sending, then control; the sessions' own locks last.</content>
public sealed partial class WireGuardLink
{
    private readonly Lock _sending = new();
    private readonly SealedBatch _sendBuffer;
    private readonly List<Session> _usedForSending = [];
    private PacketQueue _pieces;
    private Session? _piecesSession;
    private bool _isBlocked;

    /// <inheritdoc/>
    public int Send(ref PacketQueue queue)
    {
        Outbox outbox = _sendOutbox;
        int taken = 0;
        lock (_sending)
        {
            Instant now = Now;
            while (!_isBlocked && queue.Take() is { } packet)
            {
                taken++;
                SendOne(packet, now, outbox);
            }
            FinishSending(outbox);
        }
        return taken;
    }

    // Used under the sending lock only, and emptied before it is released: a batch that wants nothing done costs no memory.
    private readonly Outbox _sendOutbox = new();

    /// <inheritdoc/>
    void ICarrierSink.Writable()
    {
        lock (_sending)
        {
            _isBlocked = false;
            SendPieces();
            FinishSending(_sendOutbox);
            if (_isBlocked) return;
        }
        _sink?.Writable();
    }

    /// <summary>Sends what waited for a session; or shows the peer that we have it, if nothing did.</summary>
    private void SendStaged(Peer peer)
    {
        lock (_sending)
        {
            Instant now = Now;
            PacketQueue staged = default;
            lock (_control) peer.TakeStaged(ref staged);
            if (staged.IsEmpty && peer.Current is { } session && session.IsAlive(now)) SealOne(session, default);
            while (staged.Take() is { } packet)
            {
                if (!_isBlocked) SendOne(packet, now, _sendOutbox);
                else Discard(packet, ref _device.Counters.Unsent);
            }
            FinishSending(_sendOutbox);
        }
    }

    private void SendOne(Packet packet, Instant now, Outbox outbox)
    {
        if (!IpHeader.TryReadDestination(packet.Span, out IpAddress destination) || _device.FindPeer(destination) is not { } peer)
        {
            Discard(packet, ref _device.Counters.NoPeer);
            return;
        }
        Session? session = peer.Current;
        if (session?.IsAlive(now) != true)
        {
            lock (_control)
            {
                if (peer.IsRemoved)
                {
                    packet.Return();
                    return;
                }
                peer.Stage(packet);
                _device.BeginHandshake(peer, _time.GetUtcNow(), now, isRetry: false, outbox);
            }
            return;
        }
        if (SegmentSplitter.Split(packet, ipOffset: 0, partialChecksums: false, ref _pieces) != DropReason.None) Interlocked.Increment(ref _device.Counters.Unsent);
        _piecesSession = session;
        SendPieces();
    }

    private void SendPieces()
    {
        while (!_isBlocked && _pieces.Take() is { } piece)
        {
            if (!SealOne(_piecesSession!, piece.Span)) Interlocked.Increment(ref _device.Counters.Unsent);
            piece.Return();
        }
    }

    /// <summary>Seals a packet into the batch; sends the batch first if it does not fit. An empty packet is a keepalive.</summary>
    private bool SealOne(Session session, ReadOnlySpan<byte> packet)
    {
        if (session.Peer.Endpoint is not { } endpoint) return false;
        int padded = Math.Max(packet.Length, Math.Min((packet.Length + Messages.PaddingMultiple - 1) / Messages.PaddingMultiple * Messages.PaddingMultiple, Properties.Mtu));
        int size = padded + Messages.TransportOverhead;
        if (size > _carrier.MaxDatagram) return false;
        if (!_sendBuffer.Fits(endpoint, size)) Flush();
        // There is room in the batch even now: it was refused once and will go first, this message is lost as on a full network.
        if (!_sendBuffer.Fits(endpoint, size)) return false;
        Span<byte> message = _sendBuffer.Next(size);
        Span<byte> inner = message.Slice(Messages.TransportHeader, padded);
        packet.CopyTo(inner);
        inner[packet.Length..].Clear();
        lock (session.SealLock)
        {
            if (!session.TrySeal(inner, message)) return false;
        }
        _sendBuffer.Add(endpoint, size);
        session.Peer.CountSent(size);
        if (packet.Length > 0) session.HasSentData = true;
        if (!_usedForSending.Contains(session)) _usedForSending.Add(session);
        return true;
    }

    private void Flush()
    {
        if (_sendBuffer.IsEmpty) return;
        if (_carrier.TrySend(_sendBuffer.To!, _sendBuffer.Bytes, _sendBuffer.SegmentSize)) _sendBuffer.Clear();
        else _isBlocked = true;
    }

    private void FinishSending(Outbox outbox)
    {
        Flush();
        if (_usedForSending.Count > 0)
        {
            lock (_control)
            {
                foreach (Session session in _usedForSending)
                {
                    _device.Sent(session, session.HasSentData, _time.GetUtcNow(), Now, outbox);
                    session.HasSentData = false;
                }
            }
            _usedForSending.Clear();
        }
        Carry(outbox);
    }

    private static void Discard(Packet packet, ref long counter)
    {
        Interlocked.Increment(ref counter);
        packet.Return();
    }
}
