namespace Ginnel.WireGuard.Protocol;

/// <summary>The protocol's constants, by the names of the paper (section 6.1, table), and those of the Linux implementation.</summary>
internal static class Timing
{
    /// <summary>An initiator renews a session of this age.</summary>
    public static readonly TimeSpan RekeyAfterTime = TimeSpan.FromSeconds(120);

    /// <summary>Nobody uses a session of this age.</summary>
    public static readonly TimeSpan RejectAfterTime = TimeSpan.FromSeconds(180);

    /// <summary>A handshake is given up after so long.</summary>
    public static readonly TimeSpan RekeyAttemptTime = TimeSpan.FromSeconds(90);

    /// <summary>A handshake without an answer is begun anew after so long.</summary>
    public static readonly TimeSpan RekeyTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Who has only received for so long says that it is there.</summary>
    public static readonly TimeSpan KeepaliveTimeout = TimeSpan.FromSeconds(10);

    /// <summary>An initiator that receives by a session of this age renews it, though it sends nothing.</summary>
    public static readonly TimeSpan LateAge = RejectAfterTime - KeepaliveTimeout - RekeyTimeout;

    /// <summary>Keys that nothing has replaced are wiped: three times the age at which they are rejected.</summary>
    public static readonly TimeSpan WipeAfterTime = RejectAfterTime * 3;

    /// <summary>Handshakes of two peers that begin together must not go on colliding: up to so much is added at random.</summary>
    public static readonly TimeSpan MaxJitter = TimeSpan.FromMilliseconds(333);

    /// <summary>A cookie is good for so long, and the secret behind cookies changes as often (section 5.4.7).</summary>
    public static readonly TimeSpan CookieLifetime = TimeSpan.FromSeconds(120);

    /// <summary>A peer's initiations are looked at no more often.</summary>
    public static readonly TimeSpan InitiationInterval = TimeSpan.FromMilliseconds(20);

    /// <summary>Either end renews a session by which it has sent so many messages.</summary>
    public const ulong RekeyAfterMessages = 1UL << 60;

    /// <summary>Nobody uses a session beyond so many messages: 2^64 - 2^13 - 1.</summary>
    public const ulong RejectAfterMessages = ulong.MaxValue - (1UL << 13);

    /// <summary>How often a handshake is begun anew before it is given up.</summary>
    public static readonly int MaxAttempts = (int)(RekeyAttemptTime / RekeyTimeout);
}
