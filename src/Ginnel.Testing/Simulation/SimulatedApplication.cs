using Ginnel.Netstack;

namespace Ginnel.Testing;

/// <summary>
/// Code that uses the sockets of a simulated host: it is told its sockets' events and the times it asked for, and answers with the stack's
/// verbs. Runs to completion each time, as everything in a simulation.
/// </summary>
public abstract class SimulatedApplication
{
    /// <summary>The host that it runs on; set by <see cref="SimulatedHost.Run"/>.</summary>
    public SimulatedHost Host { get; internal set; } = null!;

    /// <summary>When <see cref="OnTime"/> is to be called; <see cref="Instant.Never"/> by default.</summary>
    public Instant NextDeadline { get; protected set; } = Instant.Never;

    /// <summary>Whether it has nothing left to do; a network comes to rest only when all are done.</summary>
    public abstract bool IsDone { get; }

    /// <summary>Called once, when it is put on a host.</summary>
    public abstract void Start();

    /// <summary>Something happened to a socket that <see cref="SimulatedHost.Own"/> gave it.</summary>
    public abstract void OnEvent(SocketEvent socketEvent);

    /// <summary><see cref="NextDeadline"/> has come; it is never again until set anew.</summary>
    public virtual void OnTime() { }

    internal void Wake(Instant now)
    {
        if (NextDeadline > now) return;
        NextDeadline = Instant.Never;
        OnTime();
    }
}
