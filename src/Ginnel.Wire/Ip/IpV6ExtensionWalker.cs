using System.Buffers.Binary;

namespace Ginnel.Wire;

/// <summary>
/// Walks the chain of IPv6 extension headers (RFC 8200 section 4), once, with a limit on headers and on options.
/// Any order and number is accepted save hop-by-hop options, which stand first or nowhere (section 4.1).
/// </summary>
internal ref struct IpV6ExtensionWalker
{
    /// <summary>Extension headers accepted in one packet; hosts send at most six (RFC 8200 section 4.1).</summary>
    public const int HeaderLimit = 8;

    /// <summary>Options other than padding accepted in one header (RFC 8504 section 5.3 permits this very limit).</summary>
    public const int OptionLimit = 8;

    private readonly ReadOnlySpan<byte> _packet;
    private readonly bool _isQuoted;
    private int _count;

    /// <summary>Begins behind the fixed header.</summary>
    /// <param name="packet">The packet, at least its fixed header.</param>
    /// <param name="isQuoted">Whether an ICMP error may have cut it short, so that a fragment's length says nothing.</param>
    public IpV6ExtensionWalker(ReadOnlySpan<byte> packet, bool isQuoted)
    {
        _packet = packet;
        _isQuoted = isQuoted;
        NextHeader = packet[6];
        NextHeaderOffset = 6;
        Offset = IpV6Header.Size;
        RoutingType = -1;
    }

    /// <summary>The protocol of what stands at <see cref="Offset"/>.</summary>
    public byte NextHeader { get; private set; }

    /// <summary>Where the octet stands that named <see cref="NextHeader"/>.</summary>
    public int NextHeaderOffset { get; private set; }

    /// <summary>Where the walk stands.</summary>
    public int Offset { get; private set; }

    /// <summary>Where the fragment header stands; 0 without one.</summary>
    public int FragmentHeaderOffset { get; private set; }

    /// <summary>Where the octet stands that announced the fragment header.</summary>
    public int FragmentPredecessorOffset { get; private set; }

    /// <summary>Type of the last routing header; −1 without one.</summary>
    public int RoutingType { get; private set; }

    /// <summary>The error that the packet asks for.</summary>
    public IpV6Problem Problem { get; private set; }

    /// <summary>Walks to the upper-layer header, or behind the fragment header of a true fragment.</summary>
    public DropReason Walk()
    {
        while (true)
        {
            DropReason reason;
            switch ((IpProtocol)NextHeader)
            {
                case IpProtocol.HopByHop when NextHeaderOffset != 6:
                    Problem = IpV6Problem.At(IpV6ProblemCode.UnrecognizedNextHeader, NextHeaderOffset);
                    return DropReason.BadOption;
                case IpProtocol.HopByHop:
                case IpProtocol.DestinationOptions:
                    reason = StepOptions();
                    break;
                case IpProtocol.Routing:
                    reason = StepRouting();
                    break;
                case IpProtocol.Fragment:
                    reason = StepFragment(out bool stop);
                    if (stop) return reason;
                    break;
                default:
                    return DropReason.None;
            }
            if (reason != DropReason.None) return reason;
        }
    }

    private DropReason StepOptions()
    {
        DropReason reason = TakeHeader(out int start, out int length);
        if (reason != DropReason.None) return reason;
        int options = 0;
        for (int at = start + 2; at < start + length;)
        {
            byte type = _packet[at];
            if (type == 0) { at++; continue; }
            if (at + 2 > start + length || at + 2 + _packet[at + 1] > start + length) return DropReason.BadOption;
            if (type != 1)
            {
                if (++options > OptionLimit) return DropReason.TooManyExtensionHeaders;
                if (!IsKnownOption(type) && !MaySkip(type, at)) return DropReason.BadOption;
            }
            at += 2 + _packet[at + 1];
        }
        return DropReason.None;
    }

    // Router alert (RFC 2711) concerns routers; every other option we treat as unrecognised.
    private static bool IsKnownOption(byte type) => type == 5;

    // The two highest bits of an unrecognised option's type say what to do (RFC 8200 section 4.2).
    private bool MaySkip(byte type, int at)
    {
        int action = type >> 6;
        if (action >= 2) Problem = IpV6Problem.At(IpV6ProblemCode.UnrecognizedOption, at, evenIfMulticast: action == 2);
        return action == 0;
    }

    // Segments left to visit would make us a router; no type of routing header is worth that (RFC 5095, RFC 8200 section 4.4).
    private DropReason StepRouting()
    {
        DropReason reason = TakeHeader(out int start, out _);
        if (reason != DropReason.None) return reason;
        RoutingType = _packet[start + 2];
        if (_packet[start + 3] == 0) return DropReason.None;
        Problem = IpV6Problem.At(IpV6ProblemCode.ErroneousField, start + 2);
        return DropReason.SourceRouted;
    }

    private DropReason StepFragment(out bool stop)
    {
        stop = true;
        if (FragmentHeaderOffset != 0) return DropReason.BadFragment;
        if (++_count > HeaderLimit) return DropReason.TooManyExtensionHeaders;
        int start = Offset;
        if (_packet.Length - start < IpV6FragmentHeader.Size) return DropReason.Truncated;
        FragmentHeaderOffset = start;
        FragmentPredecessorOffset = NextHeaderOffset;
        Advance(start, IpV6FragmentHeader.Size);
        int field = BinaryPrimitives.ReadUInt16BigEndian(_packet[(start + 2)..]);
        if ((field & 0xFFF9) == 0)
        {
            stop = false; // an atomic fragment is a whole packet (RFC 6946)
            return DropReason.None;
        }
        return _isQuoted ? DropReason.None : CheckFragment(start, offset: field & 0xFFF8, more: (field & 1) != 0);
    }

    private DropReason CheckFragment(int start, int offset, bool more)
    {
        int length = _packet.Length - start - IpV6FragmentHeader.Size;
        if (more && length % 8 != 0)
        {
            Problem = IpV6Problem.At(IpV6ProblemCode.ErroneousField, 4);
            return DropReason.BadFragment;
        }
        if (offset + length > 65535)
        {
            Problem = IpV6Problem.At(IpV6ProblemCode.ErroneousField, start + 2);
            return DropReason.BadFragment;
        }
        if (length == 0) return DropReason.BadFragment;
        if (offset != 0 || HoldsWholeChain()) return DropReason.None;
        Problem = IpV6Problem.At(IpV6ProblemCode.IncompleteHeaderChain, start);
        return DropReason.BadFragment;
    }

    // The first fragment holds every header up to and including the upper layer's, or no firewall could judge it (RFC 7112 section 5).
    private readonly bool HoldsWholeChain()
    {
        int at = Offset;
        byte next = NextHeader;
        for (int count = _count; count < HeaderLimit && IsExtension(next); count++)
        {
            if (_packet.Length - at < 8) return false;
            next = _packet[at];
            at += 8 * (_packet[at + 1] + 1);
        }
        int least = (IpProtocol)next switch
        {
            IpProtocol.Tcp => TcpHeader.MinimumSize,
            IpProtocol.Udp => UdpHeader.Size,
            IpProtocol.IcmpV6 => 8,
            _ => 0,
        };
        return at + least <= _packet.Length;
    }

    private static bool IsExtension(byte next) => (IpProtocol)next is IpProtocol.DestinationOptions or IpProtocol.Routing;

    private DropReason TakeHeader(out int start, out int length)
    {
        start = Offset;
        length = 0;
        if (++_count > HeaderLimit) return DropReason.TooManyExtensionHeaders;
        if (_packet.Length - start < 8) return DropReason.Truncated;
        length = 8 * (_packet[start + 1] + 1);
        if (length > _packet.Length - start) return DropReason.BadLength;
        Advance(start, length);
        return DropReason.None;
    }

    private void Advance(int start, int length)
    {
        NextHeader = _packet[start];
        NextHeaderOffset = start;
        Offset = start + length;
    }
}
