using System.Globalization;
using System.Text;
using Ginnel.Wire;

namespace Ginnel.Interop.Differential;

/// <summary>
/// A segment of the system under test as the peer understands it: numbers relative to both initial ones, and of what no standard fixes (the
/// window's size, the timestamp's clock, PSH) only whether it is there.
/// </summary>
internal sealed record SentSegment
{
    public required TcpFlags Flags { get; init; }
    public required int Sequence { get; init; }
    public required int Length { get; init; }
    public required int? Acknowledgment { get; init; }
    public required bool IsWindowShut { get; init; }
    public int Mss { get; init; }
    public bool HasScale { get; init; }
    public bool SackPermitted { get; init; }
    public bool HasStamp { get; init; }
    public int Echo { get; init; }
    public string Sack { get; init; } = "";
    public bool IsPayloadRight { get; init; } = true;

    public bool Has(TcpFlags flags) => (Flags & flags) == flags;

    /// <summary>The number behind it.</summary>
    public int End => Sequence + Length + (Has(TcpFlags.Syn) ? 1 : 0) + (Has(TcpFlags.Fin) ? 1 : 0);

    /// <summary>Nothing but an acknowledgment.</summary>
    public bool IsBareAck => Length == 0 && Flags == TcpFlags.Ack;

    public override string ToString()
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        StringBuilder text = new(Flags.ToString());
        text.Append(culture, $" {Sequence}:{Sequence + Length}({Length})");
        if (Acknowledgment is { } acknowledgment) text.Append(culture, $" ack {acknowledgment}");
        if (IsWindowShut) text.Append(" window shut");
        if (Mss != 0) text.Append(culture, $" mss {Mss}");
        if (HasScale) text.Append(" scale");
        if (SackPermitted) text.Append(" sackOK");
        if (HasStamp) text.Append(culture, $" ecr {Echo}");
        if (Sack.Length > 0) text.Append(" sack ").Append(Sack);
        if (!IsPayloadRight) text.Append(" WRONG OCTETS");
        return text.ToString();
    }
}
