using Ginnel.Netstack;

namespace Ginnel.WireGuard.Protocol;

/// <content>Handshake messages, in and out.</content>
internal sealed partial class WireGuardDevice
{
    /// <summary>Takes a message that is not a transport message. Strangers get no answer whatever they send.</summary>
    /// <param name="from">Whoever sent it.</param>
    /// <param name="message">Any bytes.</param>
    /// <param name="now">The time.</param>
    /// <param name="outbox">Gets what is to be done.</param>
    public void ReceiveHandshake(CarrierEndpoint from, ReadOnlySpan<byte> message, Instant now, Outbox outbox)
    {
        MessageType type = Messages.TypeOf(message);
        switch (type)
        {
            case MessageType.Initiation:
            case MessageType.Response:
                if (!_cookies.IsMac1Valid(message))
                {
                    Counters.BadMac++;
                    return;
                }
                if (!Admit(from, message, now, outbox)) return;
                if (type == MessageType.Initiation) ReceiveInitiation(from, message, now, outbox);
                else ReceiveResponse(from, message, now, outbox);
                return;
            case MessageType.CookieReply:
                ReceiveCookie(message, now);
                return;
            default:
                Counters.Malformed++;
                return;
        }
    }

    /// <summary>Begins a handshake, unless one was begun a moment ago or there is nowhere to send it.</summary>
    /// <param name="peer">With whom.</param>
    /// <param name="utc">The wall clock: the responder takes only later times than it has seen.</param>
    /// <param name="now">The time.</param>
    /// <param name="isRetry">Whether it goes on with an attempt that had no answer.</param>
    /// <param name="outbox">Gets the message.</param>
    public void BeginHandshake(Peer peer, DateTimeOffset utc, Instant now, bool isRetry, Outbox outbox)
    {
        if (!isRetry) peer.Timers.Attempts = 0;
        if (peer.IsRemoved) return;
        if (now - peer.LastHandshakeSent < Timing.RekeyTimeout)
        {
            // What calls for it now may call no second time.
            peer.Timers.InitiationWanted(peer.LastHandshakeSent + Timing.RekeyTimeout + Jitter());
            Queue(peer);
            return;
        }
        // With traffic the next attempt may come of a packet, before the timer that would have said so.
        if (!isRetry && peer.Timers.IsHandshaking) outbox.Unanswered.Add(peer);
        // Without an endpoint the timer still runs: the name may be resolved meanwhile.
        peer.LastHandshakeSent = now;
        if (peer.Pending is { } old) Abandon(peer, old);
        if (peer.Endpoint is { } endpoint)
        {
            byte[] message = new byte[Messages.InitiationSize];
            uint index = _sessions.Reserve(peer);
            Tai64n timestamp = Tai64n.From(utc);
            // A clock that was set back must not silence us.
            if (!timestamp.IsAfter(peer.LastTimestampSent)) timestamp = peer.LastTimestampSent.Next();
            peer.LastTimestampSent = timestamp;
            peer.Pending = Handshake.CreateInitiation(_ourKey, peer, index, timestamp, _entropy, message);
            peer.Cookies.AddMacs(message, now);
            outbox.Messages.Add((endpoint, message));
            peer.CountSent(message.Length);
            peer.Timers.Sent(now, peer.PersistentKeepalive);
        }
        peer.Timers.InitiationSent(now, Jitter());
        Queue(peer);
    }

    // Under load only those are answered who receive where they say they are, and each so often (paper, section 5.3).
    private bool Admit(CarrierEndpoint from, ReadOnlySpan<byte> message, Instant now, Outbox outbox)
    {
        if (!_load.CountAndCheck(now)) return true;
        if (!_cookies.IsMac2Valid(message, from, now))
        {
            uint sender = Messages.ReadIndex(message, Messages.InitiationSender);
            outbox.Messages.Add((from, _cookies.CreateReply(message, sender, from, now)));
            Counters.CookiesSent++;
            return false;
        }
        if (_limiter.TryTake(from.LimitKey, now)) return true;
        Counters.RateLimited++;
        return false;
    }

    private void ReceiveInitiation(CarrierEndpoint from, ReadOnlySpan<byte> message, Instant now, Outbox outbox)
    {
        if (!Handshake.TryReadInitiator(_ourKey, message, out ReceivedInitiation received))
        {
            Counters.BadHandshake++;
            return;
        }
        Answer(from, message, ref received, now, outbox);
        received.State.Clear();
    }

    private void Answer(CarrierEndpoint from, ReadOnlySpan<byte> message, ref ReceivedInitiation received, Instant now, Outbox outbox)
    {
        if (FindPeer(received.Claimed) is not { } peer)
        {
            Counters.UnknownPeer++;
            return;
        }
        if (!Handshake.TryReadTimestamp(peer, message, ref received, out Tai64n timestamp))
        {
            Counters.BadHandshake++;
            return;
        }
        if (!timestamp.IsAfter(peer.LastTimestamp) || now - peer.LastInitiationSeen < Timing.InitiationInterval)
        {
            Counters.ReplayedHandshake++;
            return;
        }
        peer.LastTimestamp = timestamp;
        peer.LastInitiationSeen = now;
        Heard(peer, from, message.Length, now);
        byte[] response = new byte[Messages.ResponseSize];
        uint index = _sessions.Reserve(peer);
        if (Handshake.CreateResponse(peer, received, index, now, _entropy, response) is not { } session)
        {
            _sessions.Remove(index);
            Counters.BadHandshake++;
            return;
        }
        Drop(peer.Next);
        peer.Next = session;
        if (peer.Pending is { } ours) ours.IsCrossed = true;
        _sessions.Bind(index, session);
        peer.Cookies.AddMacs(response, now);
        // The initiator will confirm in a moment; a handshake of our own beside its would be one too many.
        peer.LastHandshakeSent = now;
        outbox.Messages.Add((from, response));
        peer.CountSent(response.Length);
        peer.Timers.SessionDerived(now);
        peer.Timers.Sent(now, peer.PersistentKeepalive);
        Queue(peer);
    }

    private void ReceiveResponse(CarrierEndpoint from, ReadOnlySpan<byte> message, Instant now, Outbox outbox)
    {
        uint index = Messages.ReadIndex(message, Messages.ResponseReceiver);
        if (_sessions.FindReserved(index) is not { } peer || peer.Pending is not { } pending || pending.LocalIndex != index
            || Handshake.ConsumeResponse(_ourKey, peer, pending, message, now) is not { } session)
        {
            Counters.BadHandshake++;
            return;
        }
        pending.Dispose();
        peer.Pending = null;
        _sessions.Bind(index, session);
        // A session that the peer began meanwhile stays good for receiving; ours is confirmed and goes first. Who yields goes by ours only
        // until the peer's is confirmed as well.
        if (peer.Next is { } next && !Yields(peer))
        {
            Drop(peer.Previous);
            Drop(peer.Current);
            (peer.Previous, peer.Next) = (next, null);
        }
        else
        {
            Drop(peer.Previous);
            peer.Previous = peer.Current;
        }
        peer.Current = session;
        Heard(peer, from, message.Length, now);
        Complete(peer, now);
        peer.Timers.SessionDerived(now);
        Queue(peer);
        outbox.Ready.Add(peer);
    }

    // Where handshakes cross, both ends must come to go by the same session, or each would renew its own from then on, and drop the
    // other's while packets are under way by it. The greater key yields.
    private bool Yields(Peer peer) => _ourKey.PublicKey.SequenceCompareTo(peer.PublicKey) > 0;

    private void ReceiveCookie(ReadOnlySpan<byte> message, Instant now)
    {
        uint index = Messages.ReadIndex(message, Messages.CookieReceiver);
        Peer? peer = _sessions.FindReserved(index) ?? _sessions.Find(index)?.Peer;
        if (peer is null || !peer.Cookies.TryTake(message, now)) Counters.BadHandshake++;
    }

    private void Complete(Peer peer, Instant now)
    {
        peer.LastHandshake = now;
        peer.Timers.HandshakeCompleted();
    }

    // Endpoints follow authenticated messages only (paper, section 2.1).
    private static void Heard(Peer peer, CarrierEndpoint from, int bytes, Instant now)
    {
        if (!from.Equals(peer.Endpoint)) peer.Endpoint = from;
        peer.CountReceived(bytes);
        peer.Timers.Received(now, peer.PersistentKeepalive);
    }

    private void Drop(Session? session)
    {
        if (session is null) return;
        _sessions.Remove(session.LocalIndex);
        session.Dispose();
    }
}
