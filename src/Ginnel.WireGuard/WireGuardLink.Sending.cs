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
    // Used under the sending lock only, and emptied before it is released: a batch that wants nothing done costs no memory.
    private readonly Outbox _sendOutbox = new();
    private readonly HashSet<Peer> _waitingForRoom = [];
    private SegmentCutter _cutter;
    private Peer? _cutterPeer;
    private EcnCodepoint _cutterEcn;
    private bool _isBlocked;

    /// <inheritdoc/>
    public int Send(ref PacketQueue queue)
    {
        int taken = 0;
        lock (_sending)
        {
            Instant now = Now;
            while (!_isBlocked && queue.Take() is { } packet)
            {
                taken++;
                SendOne(packet, now);
            }
            FinishSending(_sendOutbox);
        }
        return taken;
    }

    /// <inheritdoc/>
    void ICarrierSink.Writable()
    {
        lock (_sending)
        {
            _isBlocked = false;
            SendPieces(Now);
            FinishSending(_sendOutbox);
            if (!_isBlocked && _waitingForRoom.Count > 0)
            {
                Peer[] waiting = [.. _waitingForRoom];
                _waitingForRoom.Clear();
                foreach (Peer peer in waiting) SendStaged(peer);
            }
            if (_isBlocked) return;
        }
        _sink?.Writable();
    }

    /// <summary>Sends what waited for a session; or shows the peer that we have it, if nothing did.</summary>
    private void SendStaged(Peer peer)
    {
        lock (_sending)
        {
            if (_isBlocked)
            {
                _waitingForRoom.Add(peer);
                return;
            }
            Instant now = Now;
            PacketQueue staged = default;
            lock (_control) peer.TakeStaged(ref staged);
            if (staged.IsEmpty && peer.Current is { } session && session.IsAlive(now)) TrySealKeepalive(session);
            while (!_isBlocked && staged.Take() is { } packet) SendOne(packet, now);
            if (!staged.IsEmpty)
            {
                lock (_control) peer.PutBack(ref staged);
                _waitingForRoom.Add(peer);
            }
            FinishSending(_sendOutbox);
        }
    }

    private void SendOne(Packet packet, Instant now)
    {
        if (!IpHeader.TryReadDestination(packet.Span, out IpAddress destination) || _device.FindPeer(destination) is not { } peer)
        {
            Discard(packet, ref _device.Counters.NoPeer);
            return;
        }
        if (peer.Current?.IsAlive(now) != true)
        {
            Stage(peer, packet, now);
            return;
        }
        // RFC 6040 section 4.1: outside the same as inside, so that routers on the way may mark; DSCP stays 0 (paper, section 6.1).
        _cutterEcn = _carrier.CarriesEcn ? EcnField.Read(packet.Span) : EcnCodepoint.NotEct;
        if (SegmentCutter.Begin(packet, ipOffset: 0, partialChecksums: false, out _cutter) != DropReason.None) Interlocked.Increment(ref _device.Counters.Unsent);
        _cutterPeer = peer;
        SendPieces(now);
    }

    private void Stage(Peer peer, Packet packet, Instant now)
    {
        lock (_control)
        {
            if (peer.IsRemoved)
            {
                _device.Counters.GivenUp++;
                packet.Return();
                return;
            }
            peer.Stage(packet);
            _device.BeginHandshake(peer, _time.GetUtcNow(), now, isRetry: false, _sendOutbox);
        }
    }

    private void SendPieces(Instant now)
    {
        while (!_isBlocked && !_cutter.IsDone)
        {
            // While the carrier was full the session may have grown too old, or have been renewed.
            if (_cutterPeer!.Current is { } session && session.IsAlive(now))
            {
                if (!TrySealOne(session, ref _cutter, _cutterEcn)) return;
            }
            else if (_cutter.TryRentNext() is { } piece)
            {
                Stage(_cutterPeer, piece, now);
            }
            else
            {
                Interlocked.Increment(ref _device.Counters.Unsent);
                _cutter.Return();
            }
        }
    }

    private bool TrySealKeepalive(Session session)
    {
        SegmentCutter nothing = default;
        return TrySealOne(session, ref nothing, EcnCodepoint.NotEct);
    }

    /// <summary>
    /// Seals the next packet, written straight to where it is encrypted, into the batch; sends the batch first if it does not fit. A cutter
    /// that is done stands for a keepalive. False when there is no room for it as long as the carrier is full; otherwise it is done with,
    /// sent or counted.
    /// </summary>
    private bool TrySealOne(Session session, ref SegmentCutter packets, EcnCodepoint ecn)
    {
        int length = packets.IsDone ? 0 : packets.NextLength;
        int padded = Math.Max(length, Math.Min((length + Messages.PaddingMultiple - 1) / Messages.PaddingMultiple * Messages.PaddingMultiple, Properties.Mtu));
        int size = padded + Messages.TransportOverhead;
        if (session.Peer.Endpoint is not { } endpoint || size > _carrier.MaxDatagram)
        {
            if (length > 0) packets.Skip();
            return CountUnsent(length);
        }
        if (!_sendBuffer.Fits(endpoint, size, ecn)) Flush();
        if (!_sendBuffer.Fits(endpoint, size, ecn)) return false;
        Span<byte> message = _sendBuffer.Next(size);
        Span<byte> inner = message.Slice(Messages.TransportHeader, padded);
        if (length > 0) packets.WriteNext(inner[..length]);
        inner[length..].Clear();
        lock (session.SealLock)
        {
            if (!session.TrySeal(inner, message)) return CountUnsent(length);
        }
        _sendBuffer.Add(endpoint, size, ecn);
        session.Peer.CountSent(size);
        if (length > 0) session.HasSentData = true;
        if (!_usedForSending.Contains(session)) _usedForSending.Add(session);
        return true;
    }

    private bool CountUnsent(int length)
    {
        if (length > 0) Interlocked.Increment(ref _device.Counters.Unsent);
        return true;
    }

    private void Flush()
    {
        if (_sendBuffer.IsEmpty) return;
        if (_carrier.TrySend(_sendBuffer.To!, _sendBuffer.Bytes, _sendBuffer.SegmentSize, _sendBuffer.Ecn)) _sendBuffer.Clear();
        else _isBlocked = true;
    }

    /// <summary>Gives back what waits for a carrier that is closed.</summary>
    private void DropUnsent()
    {
        lock (_sending)
        {
            _cutter.Return();
            _waitingForRoom.Clear();
        }
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
