using Ginnel.Wire;

namespace Ginnel.Testing;

/// <summary>
/// Watches TCP segments as they leave their senders and says which rule one breaks. It sees what both ends have sent, so what it demands
/// holds whatever the network does: nobody may send beyond what the other has ever offered, acknowledge what was never sent, take an
/// acknowledgment, an offered window or a timestamp back, report by SACK what was never sent, or let anything be marked for congestion but
/// new data of a connection whose ends have agreed on it (RFC 3168).
/// </summary>
public sealed class TcpInspector
{
    private readonly Dictionary<(IpEndpoint From, IpEndpoint To), FlowDirection> _directions = [];

    /// <summary>Segments seen.</summary>
    public long Segments { get; private set; }

    /// <summary>Looks at a segment at the moment of sending; null when nothing is wrong with it.</summary>
    /// <param name="source">The sender's address.</param>
    /// <param name="destination">The receiver's address.</param>
    /// <param name="segment">TCP header and payload, a super-segment as a whole.</param>
    /// <param name="ecn">The ECN field of its IP header.</param>
    /// <param name="mayLeaveGaps">Whether the sender's host has dropped segments before they got here.</param>
    /// <returns>What is wrong, or null.</returns>
    public string? Inspect(IpAddress source, IpAddress destination, ReadOnlySpan<byte> segment, EcnCodepoint ecn = EcnCodepoint.NotEct,
        bool mayLeaveGaps = false)
    {
        if (TcpView.TryParse(segment, out TcpView view) is var badView and not DropReason.None) return $"a TCP segment that is malformed: {badView}";
        if (TcpHeader.Read(view, out TcpHeader header) is var badHeader and not DropReason.None) return $"TCP options that are malformed: {badHeader}";
        Segments++;
        IpEndpoint from = new(source, header.SourcePort), to = new(destination, header.DestinationPort);
        string? wrong = JudgeEcn(from, to, header, view.Payload.Length, ecn) ?? Judge(from, to, header, view.Payload.Length, mayLeaveGaps);
        return wrong is null ? null : $"{from} → {to} [{header.Flags}] {header.Sequence}:{view.Payload.Length} ack {header.Acknowledgment} "
            + $"win {header.Window}: {wrong}";
    }

    private string? Judge(IpEndpoint from, IpEndpoint to, in TcpHeader header, int length, bool mayLeaveGaps)
    {
        FlowDirection own = Direction(from, to), other = Direction(to, from);
        // A reset may answer for a connection that its sender does not have, so its numbers obey nothing.
        if (header.Has(TcpFlags.Rst)) return length == 0 ? null : "a reset with data";
        if (header.Has(TcpFlags.Syn)) Begin(own, other, header);
        if (!own.Begun) return "a segment of a connection that never began";
        return JudgeExtent(own, other, header, length, mayLeaveGaps) ?? JudgeAcknowledgment(own, other, header) ?? JudgeTimestamp(own, header);
    }

    private string? JudgeEcn(IpEndpoint from, IpEndpoint to, in TcpHeader header, int length, EcnCodepoint ecn)
    {
        FlowDirection own = Direction(from, to), other = Direction(to, from);
        const TcpFlags Setup = TcpFlags.Ece | TcpFlags.Cwr;
        if (header.Has(TcpFlags.Syn))
        {
            // Section 6.1.1: both flags on a SYN, ECE alone on a SYN-ACK; any other is a refusal, which holds.
            bool asks = (header.Flags & Setup) == (header.Has(TcpFlags.Ack) ? TcpFlags.Ece : Setup);
            bool isNew = !own.Begun || own.InitialSequence != header.Sequence;
            own.SetsEcnUp = asks && (isNew || own.SetsEcnUp);
            return ecn == EcnCodepoint.NotEct ? null : "a SYN that may be marked";
        }
        // The other end may have taken back what it asked in a SYN that was lost.
        bool mayBeMarked = own.SetsEcnUp && other.EverSetEcnUp;
        bool isNewData = length > 0 && header.Sequence + length > own.SentUpTo;
        if (ecn != EcnCodepoint.NotEct && !mayBeMarked) return "a mark allowed on a connection without ECN";
        if (ecn != EcnCodepoint.NotEct && !isNewData) return "a mark allowed on what is not new data";
        if (header.Has(TcpFlags.Cwr) && !(mayBeMarked && isNewData)) return "CWR on what is not new data of a connection with ECN";
        if (header.Has(TcpFlags.Ece) && !own.EverSetEcnUp) return "an echo on a connection without ECN";
        return null;
    }

    private static void Begin(FlowDirection own, FlowDirection other, in TcpHeader header)
    {
        if (own.Begun && own.InitialSequence == header.Sequence) return;
        // A new incarnation: what the other direction said belongs to the old one, unless this answers its SYN.
        if (own.Begun && !header.Has(TcpFlags.Ack)) other.Forget();
        own.Forget();
        own.Begun = true;
        own.InitialSequence = own.SentUpTo = header.Sequence;
        own.Scale = header.HasWindowScale ? Math.Min((int)header.WindowScale, 14) : -1;
    }

    private static string? JudgeExtent(FlowDirection own, FlowDirection other, in TcpHeader header, int length, bool mayLeaveGaps)
    {
        int occupied = length + (header.Has(TcpFlags.Syn) ? 1 : 0) + (header.Has(TcpFlags.Fin) ? 1 : 0);
        SequenceNumber end = header.Sequence + occupied;
        if (header.Sequence > own.SentUpTo && !mayLeaveGaps) return $"leaves a gap behind {own.SentUpTo}";
        // One octet beyond the window is the zero-window probe (RFC 9293 section 3.8.6.1).
        if (other.HasOffered && end > other.Offered + 1) return $"ends at {end}, beyond {other.Offered}, the most that was ever offered";
        if (!other.HasOffered && length > 0 && !header.Has(TcpFlags.Syn)) return "data before the other end offered a window";
        own.SentUpTo = SequenceNumber.Max(own.SentUpTo, end);
        return null;
    }

    private static string? JudgeAcknowledgment(FlowDirection own, FlowDirection other, in TcpHeader header)
    {
        if (!header.Has(TcpFlags.Ack)) return header.Has(TcpFlags.Syn) ? null : "neither SYN nor ACK";
        SequenceNumber acknowledged = header.Acknowledgment;
        if (!other.Begun || acknowledged > other.SentUpTo) return $"acknowledges what was never sent; the other end has sent up to {other.SentUpTo}";
        if (own.HasOffered && acknowledged < own.Acknowledged) return $"takes back the acknowledgment of {own.Acknowledged}";
        own.Acknowledged = acknowledged;
        int scale = header.Has(TcpFlags.Syn) || own.Scale < 0 || other.Scale < 0 ? 0 : own.Scale;
        SequenceNumber edge = acknowledged + (header.Window << scale);
        // Scaling rounds down, so the edge may seem to retreat by less than one unit (RFC 7323 section 2.4).
        if (own.HasOffered && edge < own.Offered - ((1 << Math.Max(own.Scale, 0)) - 1)) return $"takes back the window up to {own.Offered}, now {edge}";
        own.Offered = own.HasOffered ? SequenceNumber.Max(own.Offered, edge) : edge;
        own.HasOffered = true;
        for (int i = 0; i < header.SackCount; i++)
        {
            SackBlock block = header.Sack[i];
            if (block.Left >= block.Right) return $"an empty SACK block {block.Left}:{block.Right}";
            if (block.Right > other.SentUpTo) return $"a SACK block {block.Left}:{block.Right} of what was never sent";
            // Only the first may report a duplicate below the acknowledgment (RFC 2883 section 4).
            if (i > 0 && block.Left < acknowledged) return $"a SACK block {block.Left}:{block.Right} below the acknowledgment";
        }
        return null;
    }

    private static string? JudgeTimestamp(FlowDirection own, in TcpHeader header)
    {
        // The SYN merely offers them; what counts is what follows (RFC 7323 section 3.2).
        if (!header.HasTimestamps) return own.UsesTimestamps && !header.Has(TcpFlags.Syn) ? "no timestamp although earlier segments had one" : null;
        // Several SYNs may have waited together for a neighbor to answer.
        if (own.UsesTimestamps && (int)(header.TimestampValue - own.Timestamp) < 0) return $"a timestamp {header.TimestampValue} before {own.Timestamp}";
        if (header.Has(TcpFlags.Syn)) return null;
        (own.UsesTimestamps, own.Timestamp) = (true, header.TimestampValue);
        return null;
    }

    private FlowDirection Direction(IpEndpoint from, IpEndpoint to)
    {
        if (!_directions.TryGetValue((from, to), out FlowDirection? direction)) _directions[(from, to)] = direction = new FlowDirection();
        return direction;
    }

    private sealed class FlowDirection
    {
        internal bool Begun;
        private bool _setsEcnUp;
        internal SequenceNumber InitialSequence;
        internal SequenceNumber SentUpTo;
        internal int Scale = -1;
        internal bool HasOffered;
        internal SequenceNumber Acknowledged;
        internal SequenceNumber Offered;
        internal bool UsesTimestamps;
        internal uint Timestamp;

        /// <summary>Whether every SYN of it has asked for ECN, or agreed to it.</summary>
        internal bool SetsEcnUp
        {
            get => _setsEcnUp;
            set => (_setsEcnUp, EverSetEcnUp) = (value, EverSetEcnUp || value);
        }

        /// <summary>Whether one has.</summary>
        internal bool EverSetEcnUp { get; private set; }

        internal void Forget()
        {
            (Begun, HasOffered, UsesTimestamps, Scale) = (false, false, false, -1);
            (InitialSequence, SentUpTo, Acknowledged, Offered, Timestamp) = (default, default, default, default, 0);
        }
    }
}
