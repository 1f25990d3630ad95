using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// What a SYN offered, as far as a cookie can remember it. All but the segment size needs timestamps, whose low bits come back with every segment
/// of the peer; without them scaling, SACK and ECN are off (RFC 4987 section 3.6).
/// </summary>
internal struct SynCookieOptions
{
    private const int ScaleMask = 0xF, NoScale = 0xF, SackBit = 0x10, EcnBit = 0x20, NoTimestamps = 0x40;

    /// <summary>Bits of the timestamp that are taken.</summary>
    internal const int TimestampBits = 6;

    private const uint TimestampMask = (1u << TimestampBits) - 1;

    private int _bits;

    /// <summary>Of a SYN from whose options we take up those that ours allow.</summary>
    internal static SynCookieOptions Of(in TcpHeader syn, TcpOptions ours, bool ecn)
    {
        if (!syn.HasTimestamps || !ours.Timestamps) return new SynCookieOptions { _bits = NoTimestamps };
        int scale = syn.HasWindowScale && ours.WindowScaling ? Math.Min((int)syn.WindowScale, 14) : NoScale;
        return new SynCookieOptions { _bits = scale | (syn.SackPermitted && ours.Sack ? SackBit : 0) | (ecn ? EcnBit : 0) };
    }

    /// <summary>Of a segment that may bring a cookie back.</summary>
    internal static SynCookieOptions OfEcho(in TcpHeader header) =>
        new() { _bits = header.HasTimestamps ? (int)(header.TimestampEcho & TimestampMask) : NoTimestamps };

    internal readonly bool Timestamps => _bits != NoTimestamps;
    internal readonly bool Scaling => Timestamps && (_bits & ScaleMask) != NoScale;
    internal readonly byte Scale => Scaling ? (byte)(_bits & ScaleMask) : (byte)0;
    internal readonly bool Sack => Timestamps && (_bits & SackBit) != 0;
    internal readonly bool Ecn => Timestamps && (_bits & EcnBit) != 0;

    /// <summary>For the hash: nobody may change what was agreed on.</summary>
    internal readonly uint Bits => (uint)_bits;

    /// <summary>The present timestamp with the options in its low bits; never ahead of the clock, or later ones would seem old.</summary>
    internal readonly uint Stamp(uint timestamp)
    {
        uint stamped = (timestamp & ~TimestampMask) | (uint)_bits;
        return (int)(stamped - timestamp) > 0 ? stamped - (1u << TimestampBits) : stamped;
    }
}

/// <summary>
/// SYN cookies (RFC 4987 section 3.6): the answer to a SYN that is not remembered. Theory of operation: everything that is needed of the SYN is
/// put where the peer will bring it back, in our initial sequence number and timestamp, so that a flood of SYNs takes no memory. The number is
/// the four-tuple's constant (as in <see cref="IsnGenerator"/>), plus a coarse clock in the upper octet, plus a keyed hash of everything
/// else, to which the index of the segment size is added. It is believed for one to two steps of that clock. Who has not seen our
/// answer finds one that fits with one guess of 2^28.
/// </summary>
internal sealed class SynCookies(KeyedHash hash, IsnGenerator isn)
{
    /// <summary>A step of the clock; a cookie is believed in its own and the next.</summary>
    internal static readonly TimeSpan Step = TimeSpan.FromSeconds(64);

    /// <summary>For so long after a cookie was sent one may come back.</summary>
    internal static readonly TimeSpan Lifetime = Step * 2;

    private const byte Purpose = 2;
    private const uint HashMask = 0xFF_FFFF;

    /// <summary>Segment sizes that can be remembered: what common links have, and the least that we believe.</summary>
    private static ReadOnlySpan<ushort> SegmentSizes => [TcpConnection.LeastMss, 536, 1220, 1360, 1440, 1460, 8940, 65440];

    /// <summary>The initial sequence number that answers a SYN, and the timestamp offset of its four-tuple.</summary>
    /// <param name="flow">Its flow.</param>
    /// <param name="irs">Its number.</param>
    /// <param name="mss">The peer's segment size, <see cref="TcpConnection.LeastMss"/> at least.</param>
    /// <param name="options">What else it offered.</param>
    /// <param name="now">The time.</param>
    internal (SequenceNumber Iss, uint TimestampOffset) Make(
        in FlowKey flow, SequenceNumber irs, int mss, SynCookieOptions options, Instant now)
    {
        (uint number, uint offset) = isn.Of(flow);
        uint step = StepOf(now);
        int index = SegmentSizes.Length - 1;
        while (index > 0 && SegmentSizes[index] > mss) index--;
        uint cookie = number + (step << 24) + ((Hash(flow, irs, options, step) + (uint)index) & HashMask);
        return (new SequenceNumber(cookie), offset);
    }

    /// <summary>Whether a number is a cookie that was made for this flow of late; then which segment size it remembers.</summary>
    internal bool TryRead(
        in FlowKey flow, SequenceNumber irs, SequenceNumber cookie, SynCookieOptions options, Instant now, out int mss)
    {
        uint rest = cookie.Value - isn.Of(flow).Number;
        uint step = StepOf(now);
        uint age = (step - (rest >> 24)) & 0xFF;
        mss = 0;
        if (age > 1) return false;
        uint index = (rest - Hash(flow, irs, options, step - age)) & HashMask;
        if (index >= SegmentSizes.Length) return false;
        mss = SegmentSizes[(int)index];
        return true;
    }

    private static uint StepOf(Instant now) => (uint)(now.Ticks / Step.Ticks);

    private uint Hash(in FlowKey flow, SequenceNumber irs, SynCookieOptions options, uint step) =>
        (uint)hash.Of(flow, Purpose, (ulong)step << 32 | irs.Value, options.Bits);
}
