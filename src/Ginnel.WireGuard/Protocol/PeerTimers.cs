using Ginnel.Netstack;

namespace Ginnel.WireGuard.Protocol;

/// <summary>What is to be done about a peer because time has passed.</summary>
[Flags]
internal enum DueTimers : byte
{
    None = 0,
    /// <summary>Our initiation had no answer: begin anew, or give up.</summary>
    Retransmit = 1,
    /// <summary>We have received and said nothing since: say that we are there.</summary>
    Keepalive = 2,
    /// <summary>We have sent and heard nothing since: the peer may have lost its keys.</summary>
    NewHandshake = 4,
    /// <summary>No handshake for so long that the keys must go.</summary>
    Wipe = 8,
    /// <summary>The configured interval has passed without a packet.</summary>
    PersistentKeepalive = 16,
}

/// <summary>
/// The five timers of a peer (paper, section 6), moved by events. Each event says what has happened; what follows when a timer is due is
/// the device's part.
/// </summary>
internal sealed class PeerTimers
{
    private Instant _retransmit = Instant.Never;
    private Instant _keepalive = Instant.Never;
    private Instant _newHandshake = Instant.Never;
    private Instant _wipe = Instant.Never;
    private Instant _persistent = Instant.Never;

    /// <summary>How often the present handshake was begun anew.</summary>
    public int Attempts { get; set; }

    /// <summary>Whether the session's last minute has brought a handshake about already.</summary>
    public bool HasRenewedLate { get; set; }

    /// <summary>Whether a handshake is under way, or wanted.</summary>
    public bool IsHandshaking => _retransmit != Instant.Never;

    /// <summary>The earliest of the five.</summary>
    public Instant Next => Instant.Min(Instant.Min(_retransmit, _keepalive), Instant.Min(Instant.Min(_newHandshake, _wipe), _persistent));

    /// <summary>Data was sent: an answer, be it a keepalive, is expected.</summary>
    public void DataSent(Instant now, TimeSpan jitter)
    {
        if (_newHandshake == Instant.Never) _newHandshake = now + Timing.KeepaliveTimeout + Timing.RekeyTimeout + jitter;
    }

    /// <summary>Data was received: if we send nothing, we owe a keepalive.</summary>
    public void DataReceived(Instant now)
    {
        if (_keepalive == Instant.Never) _keepalive = now + Timing.KeepaliveTimeout;
    }

    /// <summary>Anything authenticated was sent, a handshake message included.</summary>
    public void Sent(Instant now, TimeSpan persistentInterval)
    {
        _keepalive = Instant.Never;
        Traversed(now, persistentInterval);
    }

    /// <summary>Anything authenticated was received.</summary>
    public void Received(Instant now, TimeSpan persistentInterval)
    {
        _newHandshake = Instant.Never;
        Traversed(now, persistentInterval);
    }

    public void InitiationSent(Instant now, TimeSpan jitter) => _retransmit = now + Timing.RekeyTimeout + jitter;

    /// <summary>An initiation is called for, but too early; it goes when it may, unless a handshake is completed until then.</summary>
    public void InitiationWanted(Instant earliest)
    {
        if (_retransmit == Instant.Never) _retransmit = earliest;
    }

    public void HandshakeCompleted()
    {
        _retransmit = Instant.Never;
        Attempts = 0;
        HasRenewedLate = false;
    }

    public void SessionDerived(Instant now) => _wipe = now + Timing.WipeAfterTime;

    /// <summary>The handshake was given up: what is left of the sessions goes in its time.</summary>
    public void GivenUp(Instant now)
    {
        _keepalive = Instant.Never;
        if (_wipe == Instant.Never) _wipe = now + Timing.WipeAfterTime;
    }

    /// <summary>The interval was configured: the first keepalive is due at once.</summary>
    public void PersistentKeepaliveSet(Instant now, TimeSpan interval) => _persistent = interval > TimeSpan.Zero ? now : Instant.Never;

    /// <summary>One was due.</summary>
    public void PersistentKeepaliveDue(Instant now, TimeSpan interval) => Traversed(now, interval);

    /// <summary>Everything off.</summary>
    public void Stop() => _retransmit = _keepalive = _newHandshake = _wipe = _persistent = Instant.Never;

    /// <summary>Takes what is due.</summary>
    public DueTimers TakeDue(Instant now)
    {
        DueTimers due = Take(ref _retransmit, now, DueTimers.Retransmit) | Take(ref _keepalive, now, DueTimers.Keepalive)
            | Take(ref _newHandshake, now, DueTimers.NewHandshake) | Take(ref _wipe, now, DueTimers.Wipe)
            | Take(ref _persistent, now, DueTimers.PersistentKeepalive);
        return due;
    }

    private void Traversed(Instant now, TimeSpan persistentInterval)
    {
        if (persistentInterval > TimeSpan.Zero) _persistent = now + persistentInterval;
    }

    private static DueTimers Take(ref Instant timer, Instant now, DueTimers which)
    {
        if (timer > now) return DueTimers.None;
        timer = Instant.Never;
        return which;
    }
}
