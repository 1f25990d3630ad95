using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <content>
/// SYN cookies (RFC 4987 section 3.6). A listener whose half-open set is full answers with a cookie, keeps nothing, and for a while takes an
/// acknowledgment without a connection for one that brings a cookie back. What a cookie costs its client: segment sizes in coarse steps, no
/// scaling, SACK or ECN without timestamps, and a SYN-ACK that is never repeated by itself. So it is the answer of need, not of every day.
/// </content>
internal sealed partial class TcpLayer
{
    /// <summary>Whether a SYN is to be answered with a cookie. One that takes over TIME-WAIT needs a number beyond the old ones.</summary>
    private bool AnswersWithCookie(TcpListener listener, SequenceNumber? former) => former is null && Options.SynCookies switch
    {
        SynCookieUse.Always => true,
        SynCookieUse.OnOverflow => listener.IsHalfOpenFull,
        _ => false,
    };

    private void SendCookie(TcpListener listener, in ReceivedPacket packet, in TcpSegment segment, in FlowKey flow, Instant now)
    {
        RouteDecision route = WayBack(packet, flow);
        bool v4 = flow.Remote.Address.IsV4;
        SynCookieOptions options = SynCookieOptions.Of(segment.Header, Options, ecn: Options.Ecn != EcnMode.Off && TcpConnection.AsksForEcn(segment));
        int peerMss = TcpConnection.OfferedMss(segment.Header, v4);
        (SequenceNumber iss, uint offset) = Cookies.Make(flow, segment.Header.Sequence, peerMss, options, now);
        int announced = TcpConnection.AnnouncedMssOn(route.Interface, v4, listener.MaximumSegmentSize);
        var header = new TcpHeader
        {
            SourcePort = flow.Local.Port, DestinationPort = flow.Remote.Port, Flags = TcpFlags.Syn | TcpFlags.Ack, Sequence = iss,
            Acknowledgment = segment.Header.Sequence + 1, MaximumSegmentSize = (ushort)announced, SackPermitted = options.Sack,
            HasWindowScale = options.Scaling, WindowScale = WindowScale, WindowScaleFirst = Options.WindowScaleFirst,
            HasTimestamps = options.Timestamps, TimestampEcho = segment.Header.TimestampValue,
            Window = (ushort)Math.Min(TcpConnection.FirstReceiveLimit(announced, listener.ReceiveLimit), ushort.MaxValue),
        };
        if (options.Ecn) header.Flags |= TcpFlags.Ece;
        if (options.Timestamps) header.TimestampValue = options.Stamp(TcpConnection.TimestampClock(now) + offset);
        SendHeader(header, flow, route, now);
        listener.CookiesUntil = now + SynCookies.Lifetime;
        Context.Counters.SynCookiesSent++;
    }

    /// <summary>
    /// An acknowledgment for a listener, from no connection: false if it cannot bring a cookie back, and is answered as any other. It may carry
    /// the first data, where the bare one was lost.
    /// </summary>
    private bool TakesCookie(TcpListener listener, in ReceivedPacket packet, ref TcpSegment segment, in FlowKey flow, Instant now)
    {
        if (now > listener.CookiesUntil || segment.Has(TcpFlags.Syn)) return false;
        SequenceNumber irs = segment.Header.Sequence - 1, iss = segment.Header.Acknowledgment - 1;
        SynCookieOptions options = SynCookieOptions.OfEcho(segment.Header);
        if (!Cookies.TryRead(flow, irs, iss, options, now, out int mss))
        {
            Context.Counters.SynCookiesRejected++;
            return false;
        }
        // As with a connection that was remembered: no room for it now, so the segment counts as lost and the peer sends another.
        if (!listener.CanEstablish) { Drop(DropReason.BacklogFull); return true; }
        var connection = new TcpConnection(this, flow, WayBack(packet, flow), keepsInterface: true);
        if (!TryAddSocket(connection, now)) { Drop(DropReason.TableFull); return true; }
        _flows.Add(connection);
        listener.Add(connection);
        connection.LimitMss(listener.MaximumSegmentSize);
        connection.LimitReceive(listener.ReceiveLimit);
        connection.NoteSyn(SynOf(segment.Header, irs, mss, options), now);
        connection.ResumeFromCookie(iss, now);
        Context.Counters.SynCookiesAccepted++;
        connection.SegmentArrives(ref segment, now);
        return true;
    }

    /// <summary>The SYN again, as far as the cookie remembers it.</summary>
    private static TcpSegment SynOf(in TcpHeader header, SequenceNumber irs, int mss, SynCookieOptions options) => new()
    {
        Sequence = irs,
        Header = new TcpHeader
        {
            SourcePort = header.SourcePort, DestinationPort = header.DestinationPort, Sequence = irs,
            Flags = TcpFlags.Syn | (options.Ecn ? TcpFlags.Ece | TcpFlags.Cwr : 0), Window = header.Window,
            MaximumSegmentSize = (ushort)mss, HasWindowScale = options.Scaling, WindowScale = options.Scale,
            SackPermitted = options.Sack, HasTimestamps = options.Timestamps, TimestampValue = header.TimestampValue,
        },
        Count = 1,
    };
}
