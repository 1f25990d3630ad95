namespace Ginnel.ProxyProtocols;

/// <summary>Why a proxy's listener turned a client, a request or a datagram away by itself.</summary>
public enum ProxyIncident
{
    /// <summary>A client did not finish its request in time.</summary>
    HandshakeTimedOut,
    /// <summary>Too many clients had not finished their request; the oldest gave way.</summary>
    HandshakeEvicted,
    /// <summary>A client left before its request was complete.</summary>
    HandshakeBroken,
    /// <summary>A message that the protocol does not have.</summary>
    Malformed,
    /// <summary>No credentials, or wrong ones, where some are needed.</summary>
    Unauthorized,
    /// <summary>A command, method or form that is not served here.</summary>
    Unsupported,
    /// <summary>A target that the options forbid, or that leads back to this proxy.</summary>
    Forbidden,
    /// <summary>A request for which there was no room: nobody took those before it, or a limit is reached.</summary>
    Overflowed,
    /// <summary>A datagram that is a fragment (RFC 1928 section 7: optional, and not reassembled here).</summary>
    DatagramFragment,
    /// <summary>A datagram without a valid header.</summary>
    DatagramMalformed,
    /// <summary>A datagram from somebody who has no association.</summary>
    DatagramStranger,
    /// <summary>A datagram to a name that has no address.</summary>
    DatagramUnresolved,
    /// <summary>A datagram for which there was no room: its target's name was being resolved and too many waited.</summary>
    DatagramOverflowed,
    /// <summary>A peer that came to a BIND's port but is not the one that was expected.</summary>
    BindStranger,
}

/// <summary>How often each <see cref="ProxyIncident"/> happened. Thread-safe.</summary>
public sealed class ProxyIncidents
{
    private readonly long[] _counts = new long[Enum.GetValues<ProxyIncident>().Length];

    /// <summary>How often it happened.</summary>
    public long this[ProxyIncident incident] => Volatile.Read(ref _counts[(int)incident]);

    internal void Count(ProxyIncident incident) => Interlocked.Increment(ref _counts[(int)incident]);
}
