using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <content>Seventh step of SEGMENT ARRIVES: the data. And what is told about them: acknowledgments and SACK blocks.</content>
internal sealed partial class TcpConnection
{
    // As many acknowledgments as segments deserve one are owed at once at most.
    private const int MaxAcksOwed = 64;

    private byte _acksOwed;
    private int _unackedSegments;
    private bool _peerFinKnown;
    private SequenceNumber _peerFin;
    private bool _hasDuplicate;
    private SackBlock _duplicate;
    private long _bytesReceived;
    private long _bytesSent;
    private SequenceNumber _sentBeforeReceiving;
    private ushort _quickAcks;

    /// <summary>Takes what is new of the payload (RFC 9293 section 3.10.7.4, step 7).</summary>
    private void CheckText(ref TcpSegment segment, Instant now)
    {
        if (segment.Payload.IsEmpty || !MayReceive) return;
        if (Released)
        {
            // Nobody will read it: RFC 9293 section 3.6.1 wants the peer to know that data were lost.
            Tcp.Drop(DropReason.SocketClosed);
            Reset(NetworkFailure.Aborted, now);
            return;
        }
        if (_peerFinKnown) segment.TrimBack(_peerFin);
        if (segment.Payload.IsEmpty) return;
        bool inOrder = segment.Sequence == RcvNxt;
        bool filling = OutOfOrder is { IsEmpty: false };
        if (!TryStore(segment, inOrder)) { OweAck(); return; }
        if (!inOrder || filling)
        {
            // RFC 5681 section 4.2: at once, so that the sender learns of the hole, or of its end.
            OweAck();
            if (!inOrder) return;
        }
        NoteText(segment, now);
    }

    /// <summary>Takes a payload that stands in the ring already, right behind what can be read.</summary>
    private void TakeText(in TcpSegment segment, Instant now)
    {
        AdvanceBy(segment.Payload.Length);
        NoteText(segment, now);
    }

    private void AdvanceBy(int octets)
    {
        ReceiveRing.Advance(octets);
        RcvNxt += octets;
    }

    /// <summary>More can be read: when to acknowledge it, and who is told.</summary>
    private void NoteText(in TcpSegment segment, Instant now)
    {
        _bytesReceived += segment.Payload.Length;
        TimeArrival(segment, now);
        _unackedSegments += segment.Count;
        // RFC 9293 section 3.8.6.3: every second segment at least; a super-segment counts as what it stands for.
        if (_unackedSegments >= 2 || TakeQuickAck(segment.Payload.Length)) OweAck();
        else if (_acksOwed == 0) _ackAt = Instant.Min(_ackAt, now + Options.DelayedAck);
        Raise(SocketEvents.Readable);
    }

    // TcpOptions.QuickAcks: used up, or ended by data of ours behind the peer's first, which show that answers carry acknowledgments.
    private bool TakeQuickAck(int length)
    {
        if (Options.QuickAcks == 0) return false;
        if (_bytesReceived == length) _sentBeforeReceiving = SndNxt;
        if (SndNxt != _sentBeforeReceiving || _quickAcks >= Options.QuickAcks) return false;
        _quickAcks++;
        return true;
    }

    /// <summary>Puts the payload into the ring and the queue; false when it has to be dropped.</summary>
    private bool TryStore(in TcpSegment segment, bool inOrder)
    {
        SequenceNumber end = segment.Sequence + segment.Payload.Length;
        OutOfOrderQueue? queue = OutOfOrder;
        if (inOrder && queue is not { IsEmpty: false })
        {
            if (!ReceiveRing.TryWrite(0, segment.Payload, Memory)) { Tcp.Drop(DropReason.ReceiveBufferFull); return false; }
            AdvanceBy(segment.Payload.Length);
            return true;
        }
        if (!inOrder && !MayStoreBeyond(end)) { Tcp.Drop(DropReason.ReceiveBufferFull); return false; }
        queue ??= OutOfOrder = new OutOfOrderQueue();
        if (!inOrder && !queue.CanAdd(segment.Sequence, end, Options.MaxOutOfOrderRanges))
        {
            Tcp.Drop(DropReason.OutOfOrderLimit);
            return false;
        }
        // Of octets that come twice the first ones stay (attack case C14): only what is missing is written.
        SequenceNumber at = segment.Sequence;
        while (queue.TryNextMissing(at, end, out SackBlock missing))
        {
            if (missing.Left > at && !_hasDuplicate) NoteDuplicate(at, missing.Left);
            ReadOnlySpan<byte> part = segment.Payload[(missing.Left - segment.Sequence)..(missing.Right - segment.Sequence)];
            if (!ReceiveRing.TryWrite(missing.Left - RcvNxt, part, Memory)) { Tcp.Drop(DropReason.ReceiveBufferFull); return false; }
            at = missing.Right;
        }
        // RFC 2883 section 4: of a segment that came twice in part, the first stretch that did.
        if (at < end && !_hasDuplicate) NoteDuplicate(at, end);
        if (!inOrder) { queue.Add(segment.Sequence, end); return true; }
        SequenceNumber next = queue.Advance(end);
        AdvanceBy(next - RcvNxt);
        return true;
    }

    /// <summary>An acknowledgment is owed now.</summary>
    private void OweAck()
    {
        if (_acksOwed < MaxAcksOwed) _acksOwed++;
    }

    /// <summary>An interval came twice: the next acknowledgment reports it first (RFC 2883).</summary>
    private void NoteDuplicate(SequenceNumber left, SequenceNumber right)
    {
        if (!SackOn || right <= left) return;
        _hasDuplicate = true;
        _duplicate = new SackBlock(left, right);
    }

    private int MaxSackBlocks => TimestampsOn ? 3 : 4;

    /// <summary>SACK blocks: a duplicate first (RFC 2883 section 4), then the ranges, latest first (RFC 2018 section 4).</summary>
    private void FillSack(ref TcpHeader header)
    {
        int max = MaxSackBlocks;
        int count = 0;
        if (_hasDuplicate)
        {
            header.Sack[count++] = _duplicate;
            _hasDuplicate = false;
        }
        if (OutOfOrder is { IsEmpty: false } queue) count = queue.Fill(ref header.Sack, count, max);
        header.SackCount = count;
    }
}
