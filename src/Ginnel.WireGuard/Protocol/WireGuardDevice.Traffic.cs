using Ginnel.Netstack;

namespace Ginnel.WireGuard.Protocol;

/// <content>What follows from traffic, and from time.</content>
internal sealed partial class WireGuardDevice
{
    /// <summary>Transport messages went out by a session; told once for a batch.</summary>
    /// <param name="session">By which they went.</param>
    /// <param name="hasData">Whether more than keepalives.</param>
    /// <param name="utc">The wall clock.</param>
    /// <param name="now">The time.</param>
    /// <param name="outbox">Gets what is to be done.</param>
    public void Sent(Session session, bool hasData, DateTimeOffset utc, Instant now, Outbox outbox)
    {
        Peer peer = session.Peer;
        if (peer.IsRemoved) return;
        if (hasData) peer.Timers.DataSent(now, Jitter());
        peer.Timers.Sent(now, peer.PersistentKeepalive);
        Queue(peer);
        // One that was replaced meanwhile needs no renewal. By age only the initiator renews, or both would at once.
        if (!ReferenceEquals(session, peer.Current)) return;
        bool isOld = session.IsInitiator && now - session.Created >= Timing.RekeyAfterTime;
        if (isOld || session.SentCount >= Timing.RekeyAfterMessages) BeginHandshake(peer, utc, now, isRetry: false, outbox);
    }

    /// <summary>Genuine transport messages came in by a session; told once for a batch.</summary>
    /// <param name="session">By which they came.</param>
    /// <param name="from">The endpoint of the latest.</param>
    /// <param name="bytes">Of all messages.</param>
    /// <param name="hasData">Whether more than keepalives.</param>
    /// <param name="utc">The wall clock.</param>
    /// <param name="now">The time.</param>
    /// <param name="outbox">Gets what is to be done.</param>
    public void Received(Session session, CarrierEndpoint from, int bytes, bool hasData, DateTimeOffset utc, Instant now, Outbox outbox)
    {
        Peer peer = session.Peer;
        if (peer.IsRemoved) return;
        Heard(peer, from, bytes, now);
        if (ReferenceEquals(session, peer.Next)) Confirm(peer, now, outbox);
        if (hasData) peer.Timers.DataReceived(now);
        Queue(peer);
        // The session is about to end and we began it: who only receives would not notice otherwise. It is the one that we send by whose
        // age counts: this message may have been held up since the session before.
        if (peer.Timers.HasRenewedLate || peer.Current is not { IsInitiator: true } current || now - current.Created < Timing.LateAge) return;
        peer.Timers.HasRenewedLate = true;
        BeginHandshake(peer, utc, now, isRetry: false, outbox);
    }

    /// <summary>Does what is due, for so many peers; <see cref="NextDeadline"/> tells whether there are more.</summary>
    public void Advance(DateTimeOffset utc, Instant now, Outbox outbox)
    {
        for (int count = 0; count < MaxAtOnce && _deadlines.Min is { } peer && peer.QueuedDeadline <= now; count++)
        {
            _deadlines.Remove(peer);
            peer.QueuedDeadline = Instant.Never;
            Act(peer, peer.Timers.TakeDue(now), utc, now, outbox);
            Queue(peer);
        }
    }

    // The initiator has shown that it holds the keys: from here on we send by them too.
    private void Confirm(Peer peer, Instant now, Outbox outbox)
    {
        Drop(peer.Previous);
        (peer.Previous, peer.Current, peer.Next) = (peer.Current, peer.Next, null);
        if (peer.Pending is { IsCrossed: true } pending && Yields(peer)) Abandon(peer, pending);
        Complete(peer, now);
        if (peer.StagedCount > 0) outbox.Ready.Add(peer);
    }

    private void Act(Peer peer, DueTimers due, DateTimeOffset utc, Instant now, Outbox outbox)
    {
        if ((due & DueTimers.Wipe) != 0) Wipe(peer);
        if ((due & DueTimers.Retransmit) != 0) Retry(peer, utc, now, outbox);
        if ((due & DueTimers.NewHandshake) != 0) BeginHandshake(peer, utc, now, isRetry: false, outbox);
        if ((due & (DueTimers.Keepalive | DueTimers.PersistentKeepalive)) == 0) return;
        // Whatever comes of this one, be it that there is nowhere to send it, the next is due in its time.
        if ((due & DueTimers.PersistentKeepalive) != 0) peer.Timers.PersistentKeepaliveDue(now, peer.PersistentKeepalive);
        if (peer.Current?.IsAlive(now) == true) outbox.Ready.Add(peer);
        else BeginHandshake(peer, utc, now, isRetry: false, outbox);
    }

    private void Retry(Peer peer, DateTimeOffset utc, Instant now, Outbox outbox)
    {
        outbox.Unanswered.Add(peer);
        if (peer.Timers.Attempts >= Timing.MaxAttempts)
        {
            peer.Timers.GivenUp(now);
            peer.DropStaged();
            if (peer.Pending is { } pending) Abandon(peer, pending);
            return;
        }
        peer.Timers.Attempts++;
        BeginHandshake(peer, utc, now, isRetry: true, outbox);
    }

    private void Wipe(Peer peer)
    {
        Drop(peer.Current);
        Drop(peer.Previous);
        Drop(peer.Next);
        (peer.Current, peer.Previous, peer.Next) = (null, null, null);
        if (peer.Pending is { } pending) Abandon(peer, pending);
    }

    private void Abandon(Peer peer, PendingHandshake pending)
    {
        _sessions.Remove(pending.LocalIndex);
        pending.Dispose();
        peer.Pending = null;
    }
}
