using System.Numerics;
using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <content>
/// The windows that we tell, and how much may wait to be sent. Theory of operation: both buffers begin small and follow what the connection proves to
/// need: the receive buffer what its reader takes per round trip (<see cref="ReceiveTuning"/>), the send buffer its congestion window. When
/// the stack's memory is short, promises shrink to that, and when it is tight to what is held; but what was promised stays promised.
/// </content>
internal sealed partial class TcpConnection
{
    // The first window, so that idle and slow connections promise little memory; and the least of a connection among very many.
    private const int InitialReceiveLimit = 65_536;
    private const int CrowdedReceiveLimit = 16_384;

    // What may be written before a congestion window was ever proven; and when the peer takes nothing, or memory is short.
    private const int InitialSendLimit = 262_144;
    private const int ShortSendLimit = 16_384;

    private int _rcvLimit;
    private ReceiveTuning _receiveTuning;
    private bool _windowAwaitsMemory;

    // The owner's bound of the receive buffer, as a power of two.
    private byte _receiveMost;

    /// <summary>Whether it stands in the queue of those who wait for memory.</summary>
    internal bool AwaitsMemory;

    // Four segments at least, or large segments would wait for each other.
    internal static int FirstReceiveLimit(int announcedMss, int limit) =>
        Math.Min(Math.Max(InitialReceiveLimit, (int)BitOperations.RoundUpToPowerOf2((uint)announcedMss * 4)), limit);

    /// <summary>
    /// The receive buffer to begin with. Where all connections together would promise a good part of the stack's memory, an equal share.
    /// </summary>
    private static int FirstReceiveLimit(int announcedMss, TcpLayer tcp)
    {
        int first = FirstReceiveLimit(announcedMss, tcp.ReceiveLimit);
        // A quarter for each: with the large promises of those who came first the sum then stays below the whole up to ten thousand.
        long share = tcp.Memory.Budget.Limit / 4 / Math.Max(1, tcp.ConnectionCount);
        return share >= first ? first : (int)Math.Max(share, Math.Min(first, CrowdedReceiveLimit));
    }

    /// <summary>Octets that the receive buffer may grow to.</summary>
    private int ReceiveMost => 1 << _receiveMost;

    /// <summary>Bounds the receive buffer by a power of two. What was promised stays promised: a window that is too wide shrinks as data come.</summary>
    internal void LimitReceive(int octets)
    {
        _receiveMost = (byte)BitOperations.Log2((uint)octets);
        _rcvLimit = Math.Min(_rcvLimit, ReceiveMost);
    }

    /// <summary>Bytes that may wait to be sent: twice what may be in flight, so that there is always something to follow it.</summary>
    private int SendLimit
    {
        get
        {
            if (!Options.TuneSendBuffer) return Tcp.SendLimit;
            if (IsPeerShut) return Math.Min(Tcp.SendLimit, ShortSendLimit);
            int least = Memory.Budget.IsShort ? ShortSendLimit : InitialSendLimit;
            return (int)Math.Min(Tcp.SendLimit, Math.Max(least, 2L * (Congestion?.CongestionWindow ?? 0)));
        }
    }

    /// <summary>Data in order have arrived: what they tell of the round trip.</summary>
    private void TimeArrival(in TcpSegment segment, Instant now)
    {
        if (TimestampsOn) _receiveTuning.NoteEcho(segment.Header.TimestampEcho, TimestampNow(now));
        else _receiveTuning.NoteArrival(RcvNxt, RcvAdv, now);
    }

    /// <summary>
    /// The window field, and the right edge that it promises. The edge never moves left; it moves right only by a full segment or half
    /// the buffer (RFC 9293 section 3.8.6.2.2). Rounding to the scale may take back less than one unit (RFC 7323 section 2.4).
    /// </summary>
    private ushort AdvertiseWindow(bool onSyn)
    {
        int storable = Storable();
        SequenceNumber edge = RcvNxt + storable;
        bool follows = Options.WindowFollowsBuffer && storable >= _rcvLimit / 4;
        bool worthIt = follows || edge - RcvAdv >= Math.Min(_rcvLimit / 2, AnnouncedMss);
        SequenceNumber promised = SequenceNumber.Max(RcvAdv, RcvNxt);
        edge = worthIt ? SequenceNumber.Max(edge, promised) : promised;
        int scale = onSyn ? 0 : RcvScale;
        int field = Math.Min((edge - RcvNxt) >> scale, ushort.MaxValue);
        RcvAdv = SequenceNumber.Max(RcvAdv, RcvNxt + (field << scale));
        // Closed with nothing to read: no reader will ever open it again, only memory that comes back.
        if (field == 0 && storable == 0 && ReceiveRing.Readable == 0 && (MayReceive || onSyn)) AwaitWindow();
        return (ushort)field;
    }

    private void AwaitWindow()
    {
        _windowAwaitsMemory = true;
        Memory.Await(this);
    }

    /// <summary>There is memory again for what the peer would like to send.</summary>
    private void ReopenWindow()
    {
        // Before the handshake is complete its end will do it.
        if (!_windowAwaitsMemory || !IsSynchronized) return;
        _windowAwaitsMemory = false;
        OweAck();
        Tcp.MarkReady(this);
    }

    /// <summary>
    /// Whether a writer may have more memory. Where it is short, not one whose peer takes nothing: what is left is for those who get rid of it.
    /// </summary>
    private bool MayGrowToSend => !IsPeerShut || !Memory.Budget.IsShortForSending;

    // Closed, or so small that it is worth nothing (RFC 9293 section 3.8.6.2.1).
    private bool IsPeerShut => SndWnd == 0 || SndWnd < Math.Min(SndMss, MaxSndWnd / 2);

    /// <summary>
    /// Octets beyond RCV.NXT for which there is a place: what the limit leaves, or when memory is tight what the ring has, or the smallest ring
    /// where there is none.
    /// </summary>
    private int Storable()
    {
        int limit = _rcvLimit;
        if (Memory.Budget.IsTight)
        {
            int least = Memory.Budget.Has(RingMemory.Smallest) ? RingMemory.Smallest : 0;
            limit = Math.Min(limit, Math.Max(ReceiveRing.Capacity, least));
        }
        return Math.Max(0, limit - ReceiveRing.Readable);
    }

    /// <summary>
    /// Whether octets beyond a hole may be kept. One of them at the window's end makes the ring as large as the window, so a peer with many
    /// connections could pin all memory with a packet for each: when it is short, only what fits the ring as it is (attack case C11).
    /// </summary>
    private bool MayStoreBeyond(SequenceNumber end) =>
        !Memory.Budget.IsShort || ReceiveRing.Readable + (end - RcvNxt) <= ReceiveRing.Capacity;

    /// <summary>The reader took octets: let the limit follow, and tell the peer when the window has opened enough to matter.</summary>
    private void AfterConsume(int count, Instant now)
    {
        TimeSpan roundTrip = _receiveTuning.RoundTrip > TimeSpan.Zero ? _receiveTuning.RoundTrip : Rtt.Smoothed;
        int wanted = _receiveTuning.Taken(count, roundTrip, AnnouncedMss, now);
        if (wanted > _rcvLimit ? !Memory.Budget.IsTight : wanted > 0 && Memory.Budget.IsShort)
            _rcvLimit = Math.Min(Math.Max(wanted, CrowdedReceiveLimit), ReceiveMost);
        if (!MayReceive || _peerFinKnown) return;
        int open = Math.Max(0, RcvAdv - RcvNxt);
        int gain = Storable() - open;
        if (gain >= Math.Min(_rcvLimit / 2, AnnouncedMss) && gain >= open) OweAck();
    }

    /// <summary>
    /// A peer may take its window back, though it should not (RFC 9293 section 3.8.6, RFC 7323 section 2.4): then nothing new is sent, and of what is
    /// in flight only what still fits is sent again. Behind a window that is shut altogether the first segment stands for the probe.
    /// </summary>
    private bool FitsPeersWindow(SequenceNumber sequence, int segmentSize, ref int length)
    {
        int inside = SndUna + SndWnd - sequence;
        if (inside >= length) return true;
        if (inside <= 0)
        {
            if (sequence != SndUna || !_retransmitNow) return false;
            inside = segmentSize;
        }
        length = Math.Min(length, inside);
        return true;
    }
}
