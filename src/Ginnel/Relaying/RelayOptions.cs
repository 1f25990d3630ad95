namespace Ginnel;

/// <summary>How a relay behaves and how much it may hold.</summary>
public sealed class RelayOptions
{
    /// <summary>Where live flows are listed; null for a registry of the relay's own.</summary>
    public FlowRegistry? Flows { get; init; }

    /// <summary>Longest time that a dial may take.</summary>
    public TimeSpan DialTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Dials in flight; one more is rejected with <see cref="DialFailureKind.Limit"/>. One that was given up counts until it has ended, so there are
    /// more than a host's <see cref="NetworkHostOptions.MaxPending"/>: who has taken another's place there must not fail here for its sake.
    /// </summary>
    public int MaxPendingDials { get; init; } = 1_280;

    /// <summary>
    /// Flows at once; ports no more than seven eighths of their listener's (<see cref="IPortListener.MaxPorts"/>). One more connection is rejected with
    /// <see cref="DialFailureKind.Limit"/>; one more port has that of some old ones closed that has been idle longest, and is rejected if all of them
    /// are in use by others (<see cref="PortAssurance"/>), or if more are being closed than a sixteenth.
    /// </summary>
    public int MaxFlows { get; init; } = 16_384;

    /// <summary>
    /// A port that has carried datagrams both ways gives way to a newer one of another source's address only after it was idle for so long: what
    /// keeps its mapping open speaks more often (WireGuard's keepalives come every 25 s), and Linux's conntrack spares such ones too.
    /// </summary>
    public TimeSpan PortAssurance { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A connection without a byte in either direction for so long is ended; infinite for never.</summary>
    public TimeSpan ConnectionIdleTimeout { get; init; } = Timeout.InfiniteTimeSpan;

    /// <summary>A datagram port without a datagram for so long is closed: 60 s for port rules, 300 s elsewhere (RFC 4787, REQ-5).</summary>
    public TimeSpan PortIdleTimeout { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>
    /// Targets of one datagram port that are remembered, as judged and as those that may answer; beyond it the oldest are forgotten.
    /// </summary>
    public int MaxTargetsPerPort { get; init; } = 1_024;

    /// <summary>
    /// Whether a datagram port passes on what comes from an address that its source has not sent to (endpoint-independent filtering,
    /// RFC 4787, REQ-8). Otherwise only those answer who were asked.
    /// </summary>
    public bool AdmitStrangers { get; init; }

    /// <summary>Judges each new target of a datagram port once; null allows all that the dialer allows.</summary>
    public IDatagramJudge? Judge { get; init; }

    /// <summary>
    /// Overrides where a flow goes; null keeps the destination it was sent to. A port rule sends everything to one target.
    /// </summary>
    public Func<FlowInfo, System.Net.EndPoint?>? Target { get; init; }

    /// <summary>
    /// Resolves the names that <see cref="Target"/> yields for datagrams, anew for each source; null: datagrams go to addresses only.
    /// A name of a connection is the dialer's affair.
    /// </summary>
    public INameResolver? Resolver { get; init; }

    /// <summary>
    /// Where flows are begun, so that a dialer's work does not hold up those who come next; a loop keeps them on its own thread.
    /// </summary>
    public CompletionScheduler Scheduler { get; init; } = CompletionScheduler.ThreadPool;

    /// <summary>The clock; null for that of the process.</summary>
    public TimeProvider? Time { get; init; }
}
