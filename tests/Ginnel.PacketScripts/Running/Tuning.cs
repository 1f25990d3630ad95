using System.Numerics;
using Ginnel.Netstack;

namespace Ginnel.PacketScripts.Running;

/// <summary>The systems that scripts are written for, as far as they differ where the standard leaves a choice.</summary>
internal enum SystemKind
{
    /// <summary>Linux of these years.</summary>
    Linux,
    /// <summary>The stack as it is by itself.</summary>
    Ginnel,
    /// <summary>FreeBSD of these years.</summary>
    FreeBsd,
}

/// <summary>What of the stack a script's settings can reach. Equal records are equal stacks.</summary>
internal sealed record Tuning
{
    internal bool Sack { get; init; } = true;
    internal bool Timestamps { get; init; } = true;
    internal bool WindowScaling { get; init; } = true;
    internal bool Nagle { get; init; } = true;
    internal EcnMode Ecn { get; init; } = EcnMode.Passive;
    internal CongestionControlKind Congestion { get; init; } = CongestionControlKind.Cubic;
    internal int InitialWindow { get; init; } = 10;
    internal int ReceiveBuffer { get; init; } = 1 << 20;
    internal int SendBuffer { get; init; } = 1 << 20;
    internal int QuickAcks { get; init; }
    internal TimeSpan DelayedAck { get; init; } = TimeSpan.FromMilliseconds(40);
    internal TimeSpan MinRetransmitTimeout { get; init; } = TimeSpan.FromMilliseconds(200);
    internal TimeSpan InitialRetransmitTimeout { get; init; } = TimeSpan.FromSeconds(1);
    internal TimeSpan MaxRetransmitTimeout { get; init; } = TimeSpan.FromSeconds(60);
    internal bool MinTimeoutIsVariation { get; init; }
    internal bool TolerateMissingTimestamps { get; init; }
    internal bool PathMtuProbing { get; init; } = true;
    internal bool WindowScaleFirst { get; init; }
    internal bool NagleHoldsSecondSmall { get; init; }
    internal bool WindowFollowsBuffer { get; init; }
    internal bool ProbeBehindWindow { get; init; }
    internal SynCookieUse SynCookies { get; init; } = SynCookieUse.OnOverflow;
    internal TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(75);
    internal TimeSpan GiveUpAfter { get; init; } = TimeSpan.FromSeconds(120);
    internal TimeSpan FinWait2 { get; init; } = TimeSpan.FromSeconds(60);
    internal TimeSpan KeepAliveInterval { get; init; } = TimeSpan.FromSeconds(75);
    internal int KeepAliveProbes { get; init; } = 9;

    internal static Tuning Of(SystemKind system) => system switch
    {
        SystemKind.Linux => new Tuning
        {
            PathMtuProbing = false,
            QuickAcks = 16, MaxRetransmitTimeout = TimeSpan.FromSeconds(120), MinTimeoutIsVariation = true, ReceiveBuffer = BufferForScale(7),
            ConnectTimeout = AfterRetries(6), GiveUpAfter = TimeSpan.FromSeconds(924), TolerateMissingTimestamps = true, NagleHoldsSecondSmall = true,
            ProbeBehindWindow = true,
        },
        SystemKind.FreeBsd => new Tuning
        {
            PathMtuProbing = false,
            ReceiveBuffer = BufferForScale(6), MinRetransmitTimeout = TimeSpan.FromMilliseconds(30), Congestion = CongestionControlKind.Cubic,
            WindowScaleFirst = true, WindowFollowsBuffer = true,
        },
        _ => new Tuning(),
    };

    /// <summary>The receive buffer for which the stack offers this window scale.</summary>
    internal static int BufferForScale(int scale) => 1 << (15 + Math.Clamp(scale, 0, 14));

    /// <summary>When the attempt fails whose SYN is repeated so often, each time after twice the time, beginning with a second.</summary>
    internal static TimeSpan AfterRetries(int retries) => TimeSpan.FromSeconds((1L << (Math.Clamp(retries, 0, 10) + 1)) - 1);

    /// <summary>A buffer of at least this size.</summary>
    internal static int Buffer(long bytes) => (int)BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(bytes, 4096, 1 << 28));

    internal TcpOptions Build() => new()
    {
        Sack = Sack, Ecn = Ecn, Timestamps = Timestamps, WindowScaling = WindowScaling, Nagle = Nagle, CongestionControl = Congestion,
        InitialWindow = InitialWindow, ReceiveBuffer = ReceiveBuffer, SendBuffer = SendBuffer, QuickAcks = QuickAcks, DelayedAck = DelayedAck,
        MinRetransmitTimeout = MinRetransmitTimeout, MaxRetransmitTimeout = MaxRetransmitTimeout, MinRetransmitTimeoutIsVariation = MinTimeoutIsVariation,
        InitialRetransmitTimeout = InitialRetransmitTimeout, ConnectTimeout = ConnectTimeout, GiveUpAfter = GiveUpAfter, FinWait2 = FinWait2, KeepAliveInterval = KeepAliveInterval,
        KeepAliveProbes = KeepAliveProbes, TolerateMissingTimestamps = TolerateMissingTimestamps, PathMtuProbing = PathMtuProbing, WindowScaleFirst = WindowScaleFirst,
        NagleHoldsSecondSmall = NagleHoldsSecondSmall, ProbeBehindWindow = ProbeBehindWindow, WindowFollowsBuffer = WindowFollowsBuffer,
        SynCookies = SynCookies,
    };
}
