using System.Globalization;
using System.Text;
using Ginnel.Wire;

namespace Ginnel.Interop.Differential;

/// <summary>What happens in one step of an exchange.</summary>
internal enum StepKind
{
    /// <summary>The application connects to the peer.</summary>
    Connect,
    /// <summary>The application writes octets.</summary>
    Write,
    /// <summary>The application reads what there is, up to a number of octets.</summary>
    Read,
    /// <summary>The application closes its sending side.</summary>
    Shutdown,
    /// <summary>The application closes the connection.</summary>
    Close,
    /// <summary>The application closes with a linger time of zero: a reset.</summary>
    Abort,
    /// <summary>The peer sends a segment.</summary>
    Segment,
    /// <summary>Nobody does anything until the oldest of what is in flight is sent again.</summary>
    Wait,
}

/// <summary>What the acknowledgment field of a peer's segment says.</summary>
internal enum AckField
{
    /// <summary>Everything that was seen.</summary>
    All,
    /// <summary>What was acknowledged last.</summary>
    Again,
    /// <summary>Some of the segments in flight, as many as the step's detail says.</summary>
    Part,
    /// <summary>Half of the oldest segment in flight.</summary>
    Half,
    /// <summary>Earlier than what was acknowledged last, by the step's detail.</summary>
    Old,
    /// <summary>Beyond what was ever sent, by the step's detail.</summary>
    Beyond,
    /// <summary>Nothing: the flag is not set.</summary>
    Absent,
}

/// <summary>
/// One step. Numbers are relative to what the peer has sent and seen, so that a script means the same whatever initial numbers are chosen.
/// </summary>
internal sealed record Step(StepKind Kind)
{
    /// <summary>Octets that are written, read or sent.</summary>
    public int Count { get; init; }

    /// <summary>Flags of the segment besides ACK.</summary>
    public TcpFlags Flags { get; init; }

    /// <summary>
    /// Whether the segment's number counts from the peer's initial number, and not from the next octet that is expected of it.
    /// </summary>
    public bool FromStart { get; init; }

    /// <summary>Distance from there.</summary>
    public int Offset { get; init; }

    public AckField Ack { get; init; }

    public int AckDetail { get; init; } = 1;

    /// <summary>The window that the peer offers, in octets before scaling.</summary>
    public int Window { get; init; } = 60_000;

    /// <summary>Which segments in flight the peer says to have, bit by bit from the oldest.</summary>
    public int Sacked { get; init; }

    /// <summary>Added to the peer's timestamp clock; below zero for an old segment.</summary>
    public int StampShift { get; init; }

    /// <summary>Whether the segment lacks the timestamp that was agreed on.</summary>
    public bool LacksStamp { get; init; }

    /// <summary>The urgent pointer, where URG is set.</summary>
    public int Urgent { get; init; }

    public override string ToString()
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        if (Kind is StepKind.Write or StepKind.Read) return string.Create(culture, $"{Kind} {Count}");
        if (Kind != StepKind.Segment) return Kind.ToString();
        StringBuilder text = new("Segment ");
        TcpFlags flags = Flags | (Ack == AckField.Absent ? 0 : TcpFlags.Ack);
        text.Append(flags).Append(culture, $" at {(FromStart ? "start" : "next")}{Offset:+#;-#;+0}");
        if (Count > 0) text.Append(culture, $", {Count} octets");
        if (Ack != AckField.Absent) text.Append(culture, $", acknowledges {Ack}");
        if (Ack is AckField.Part or AckField.Old or AckField.Beyond) text.Append(culture, $" {AckDetail}");
        text.Append(culture, $", window {Window}");
        if (Sacked != 0) text.Append(culture, $", has {Sacked:b}");
        if (StampShift != 0) text.Append(culture, $", timestamp {StampShift:+#;-#}");
        if (LacksStamp) text.Append(", without timestamp");
        if (Urgent != 0) text.Append(culture, $", urgent {Urgent}");
        return text.ToString();
    }
}

/// <summary>A whole exchange: how the two ends are set up, and what happens.</summary>
internal sealed record Exchange
{
    public required ulong Seed { get; init; }

    /// <summary>Whether the system under test listens. Otherwise it connects, or does nothing at all.</summary>
    public bool Listens { get; init; }

    public bool IsV6 { get; init; }

    /// <summary>Whether the application lets small writes wait (Nagle).</summary>
    public bool Nagle { get; init; }

    /// <summary>The peer's initial number.</summary>
    public uint PeerIss { get; init; }

    /// <summary>Kinds of the options on the peer's SYN, in this order.</summary>
    public IReadOnlyList<byte> Options { get; init; } = [];

    /// <summary>The peer's segment size, where it tells it.</summary>
    public int Mss { get; init; } = 1000;

    /// <summary>The peer's window scale, where it tells it.</summary>
    public byte Scale { get; init; }

    public required IReadOnlyList<Step> Steps { get; init; }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{(Listens ? "listening" : "not listening")}, IPv{(IsV6 ? 6 : 4)}, {(Nagle ? "Nagle" : "no Nagle")}, "
        + $"the peer's options [{string.Join(' ', Options)}] MSS {Mss} scale {Scale}, number {PeerIss}");
}
