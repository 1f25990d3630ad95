using System.Buffers.Binary;
using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <content>
/// Header prediction (V. Jacobson, 1990). Theory of operation: nearly every segment of a connection that is well is the very next one, and
/// carries nothing but the flags, the options and the window that were to be expected. A dozen comparisons of its bytes tell; then every
/// check of SEGMENT ARRIVES is known to pass, so that only what the segment brings is left to do: acknowledge, take the data, settle. It is
/// done by the same methods that the general way calls. Whatever is not as predicted goes the general way, of which nothing was begun.
/// </content>
internal sealed partial class TcpConnection
{
    /// <summary>NOP, NOP, timestamps: the one layout of options that segments without SACK blocks have (RFC 7323 appendix A).</summary>
    private const uint TimestampsAlone = 0x0101_080A;
    private const int TimestampsSize = 12;

    /// <summary>Takes a segment that is the expected one. False: it is not, or its checksum is wrong, and nothing has changed.</summary>
    internal bool TryPredicted(in ReceivedPacket packet, in TcpView view, Instant now)
    {
        if (packet.Ecn == EcnCodepoint.CongestionExperienced || !IsUndisturbed || !IsExpected(view, out uint stamp, out uint echo)) return false;
        SequenceNumber acknowledgment = view.Acknowledgment;
        int length = view.Payload.Length;
        // Of something never sent or acknowledged long ago the general way judges; what acknowledges nothing new must bring data.
        if (acknowledgment < SndUna || acknowledgment > SndNxt || (acknowledgment == SndUna && length == 0)) return false;
        // Data need somebody who reads, an end that is not known yet, and a place.
        if (length > 0 && (Released || _peerFinKnown || length > RcvAdv - RcvNxt)) return false;
        if (!TryTakeBytes(packet, view)) return false;
        // Field by field: a literal would be made elsewhere and copied here.
        TcpSegment segment = default;
        segment.Sequence = segment.Header.Sequence = RcvNxt;
        segment.Header.Acknowledgment = acknowledgment;
        segment.Header.Flags = view.Flags;
        segment.Header.Window = view.Window;
        (segment.Header.HasTimestamps, segment.Header.TimestampValue, segment.Header.TimestampEcho) = (TimestampsOn, stamp, echo);
        segment.Payload = view.Payload;
        segment.Count = packet.Segmentation.Count(length);
        segment.Ecn = packet.Ecn;
        _segmentsReceived += (uint)segment.Count;
        NoteTimestamp(segment, now);
        Heard(now);
        TakeAcknowledgment(segment, now);
        if (length > 0)
        {
            TakeText(segment, now);
            NoteMarks(segment);
        }
        Tcp.Context.Counters.SegmentsPredicted++;
        Settle(now);
        return true;
    }

    /// <summary>Nothing is missing here, and whatever an acknowledgment brings, no connection ends by it.</summary>
    private bool IsUndisturbed => State is TcpState.Established or TcpState.FinWait1 or TcpState.CloseWait
        && OutOfOrder is not { IsEmpty: false } && !Options.GeneralWayOnly;

    /// <summary>The next octets, ACK and perhaps PSH, the options that were agreed on and no others, a timestamp that is not old.</summary>
    private bool IsExpected(in TcpView view, out uint stamp, out uint echo)
    {
        stamp = echo = 0;
        if ((view.Flags & ~TcpFlags.Psh) != TcpFlags.Ack || view.Sequence != RcvNxt) return false;
        ReadOnlySpan<byte> options = view.Options;
        if (!TimestampsOn) return options.IsEmpty;
        if (options.Length != TimestampsSize || BinaryPrimitives.ReadUInt32BigEndian(options) != TimestampsAlone) return false;
        stamp = BinaryPrimitives.ReadUInt32BigEndian(options[4..]);
        echo = BinaryPrimitives.ReadUInt32BigEndian(options[8..]);
        // PAWS (RFC 7323 section 5.3, R1); after a long silence the general way says more.
        return (int)(stamp - TsRecent) >= 0;
    }

    /// <summary>
    /// The payload goes to where it belongs, and is summed on the way where the link leaves that to us: one pass instead of two. Until
    /// <see cref="TakeText"/> the ring does not count it, so bytes of a wrong checksum are as good as unwritten.
    /// </summary>
    private bool TryTakeBytes(in ReceivedPacket packet, in TcpView view)
    {
        bool summed = packet.Checksum == ChecksumState.Unverified;
        ReadOnlySpan<byte> payload = view.Payload;
        ulong sum = 0;
        bool taken = payload.IsEmpty
            || (summed ? ReceiveRing.TryWriteSummed(payload, Memory, out sum) : ReceiveRing.TryWrite(0, payload, Memory));
        if (!taken) return false;
        if (!summed) return true;
        int header = view.HeaderLength;
        ulong rest = Checksum.PseudoHeader(packet.Source, packet.Destination, IpProtocol.Tcp, view.Bytes.Length);
        // Headers are whole words, so the payload's sum stands as it is.
        if (Checksum.Fold(Checksum.Sum(view.Bytes[..header], rest) + Checksum.Fold(sum)) == 0xFFFF) return true;
        ReceiveRing.FreeIfEmpty(Memory);
        return false;
    }
}
