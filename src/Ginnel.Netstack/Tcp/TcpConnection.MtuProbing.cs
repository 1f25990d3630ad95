using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <content>
/// Paths that swallow large packets without a word (RFC 4821, RFC 2923 section 2.1). Theory of operation: where small packets pass and
/// large ones vanish, every timeout repeats a packet that cannot arrive, for ever. So when the third timeout in a row has met a large
/// segment, segments are cut to a size that every path takes, and the connection lives. Later a single larger segment is sent among the
/// others: if it is acknowledged, the path takes that size; if it is lost, which costs no more than its repetition in small pieces, a
/// size in between is tried. The connection keeps what it finds to itself: a silent peer looks the same at first, and must not make a whole
/// destination slow.
/// </content>
internal sealed partial class TcpConnection
{
    /// <summary>Timeouts in a row after which the size is suspected; one more than a burst of losses usually costs.</summary>
    private const int SuspiciousTimeouts = 2;

    /// <summary>What is not worth another probe.</summary>
    private const int ProbeResolution = 32;

    // IPv6 needs no more than its minimum; IPv4's paths pass 1,280 almost everywhere, 1,024 in tunnels of tunnels, and 552 by our own floor.
    private static ReadOnlySpan<int> SafeMtus => [1_280, 1_024, PathMtuCache.FloorV4];

    // RFC 4821 section 7.3: a path that was narrow is tried again after as long as RFC 8201 keeps what ICMP has told.
    private static readonly TimeSpan ProbeAgainAfter = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan ProbeSpacing = TimeSpan.FromSeconds(5);

    private ushort _provenMtu;
    private int _refusedMtu;
    private ushort _probedMtu;
    private Instant _probeMtuAt = Instant.Never;
    private SequenceNumber _mtuProbeEnd;
    private uint _mtuProbeRetransmissions;

    private int HeadersOfMtu => IsV4 ? 40 : 60;

    /// <summary>The longest packet that the connection sends: the path's as ICMP tells, or what it has found out by itself.</summary>
    private int UsableMtu => _provenMtu == 0 ? Route.PathMtu : Math.Min(_provenMtu, Route.PathMtu);

    /// <summary>The timer has expired again and nothing was acknowledged in between: perhaps it is the size (RFC 4821 section 7.7).</summary>
    private void SuspectBlackHole(Instant now)
    {
        if (_retransmitCount < SuspiciousTimeouts || !Options.PathMtuProbing) return;
        int usable = UsableMtu;
        foreach (int safe in SafeMtus)
        {
            if (safe >= usable) continue;
            // A small segment that gets lost was not too large.
            if (Math.Min(Flight, SndMss) + HeadersOfMtu <= safe) return;
            if (_provenMtu == 0) _refusedMtu = usable;
            else _refusedMtu = Math.Min(_refusedMtu, usable);
            _provenMtu = (ushort)safe;
            _probedMtu = 0;
            _probeMtuAt = now + ProbeAgainAfter;
            Tcp.Context.Counters.PathBlackHoles++;
            UpdateMss();
            return;
        }
    }

    /// <summary>Whether a segment of a size that is not yet proven is to go out now, and how many octets it carries.</summary>
    private bool TryPickMtuProbe(Instant now, out int length)
    {
        length = 0;
        if (_provenMtu == 0 || _probedMtu != 0 || now < _probeMtuAt || _phase != LossPhase.Open ||
            OutOfOrder is { IsEmpty: false } || _hasDuplicate) return false;
        // The last probe's refusal is old: begin with the largest again.
        if (_refusedMtu - _provenMtu < ProbeResolution || _refusedMtu > Route.PathMtu) _refusedMtu = Route.PathMtu + 1;
        int mtu = _refusedMtu > Route.PathMtu ? Route.PathMtu : (_provenMtu + _refusedMtu) / 2;
        int size = Math.Min(Math.Min(PeerMss, _ownerMss), mtu - HeadersOfMtu) - (SndMss - SegmentSize);
        int room = Math.Min(SndUna + SndWnd - SndNxt, Congestion!.CongestionWindow - Pipe());
        if (size <= SegmentSize) { _provenMtu = 0; return false; }
        // Data must follow it, or its loss would be found by the timer only.
        if (Unsent < size + 2 * SegmentSize || room < size) return false;
        length = size;
        _probedMtu = (ushort)mtu;
        return true;
    }

    private bool SendMtuProbe(int length, Instant now)
    {
        int usual = SndMss;
        // A single segment, whatever the link could cut.
        SndMss = length + (usual - SegmentSize);
        bool sent = SendNew(length, now, isMtuProbe: true);
        SndMss = usual;
        if (!sent) { _probedMtu = 0; return false; }
        _mtuProbeEnd = SndNxt;
        _mtuProbeRetransmissions = _retransmissions;
        return true;
    }

    /// <summary>The acknowledgment has moved: is it past the probe, and was the probe repeated?</summary>
    private void CheckMtuProbe(Instant now)
    {
        if (_probedMtu == 0 || SndUna < _mtuProbeEnd) return;
        uint repeated = _retransmissions - _mtuProbeRetransmissions;
        ushort probed = _probedMtu;
        _probedMtu = 0;
        if (repeated == 0)
        {
            _provenMtu = probed >= Route.PathMtu ? (ushort)0 : probed;
            _probeMtuAt = now + ProbeSpacing;
            UpdateMss();
            return;
        }
        _refusedMtu = probed;
        _probeMtuAt = now + (_refusedMtu - _provenMtu < ProbeResolution ? ProbeAgainAfter : ProbeSpacing);
        // RFC 4821 section 7.6.1: a probe that is lost alone says nothing about congestion.
        int pieces = (probed - HeadersOfMtu + SegmentSize - 1) / SegmentSize;
        if (repeated <= pieces && _phase == LossPhase.Recovery && _undoPossible) RestoreWindow();
    }

    /// <summary>
    /// What ICMP told of the path is forgotten after ten minutes (RFC 8201 section 4); a connection that lives longer notices by asking now
    /// and then.
    /// </summary>
    private void RefreshNarrowPath()
    {
        if (Route.PathMtu < Route.Interface.Mtu(IsV4)) RefreshRoute();
    }
}
