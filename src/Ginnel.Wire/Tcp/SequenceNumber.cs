using System.Diagnostics;

namespace Ginnel.Wire;

/// <summary>A TCP sequence number: 32 bits that wrap, compared modulo 2^32 (RFC 9293 section 3.4).</summary>
/// <param name="Value">The number.</param>
[DebuggerDisplay("{Value}")]
public readonly record struct SequenceNumber(uint Value)
{
    /// <summary>The number <paramref name="count"/> octets later (or earlier, if negative).</summary>
    public static SequenceNumber operator +(SequenceNumber number, int count) => new(number.Value + (uint)count);

    /// <summary>The number <paramref name="count"/> octets earlier.</summary>
    public static SequenceNumber operator -(SequenceNumber number, int count) => new(number.Value - (uint)count);

    /// <summary>The signed distance from <paramref name="right"/> to <paramref name="left"/>.</summary>
    public static int operator -(SequenceNumber left, SequenceNumber right) => (int)(left.Value - right.Value);

    /// <summary>Earlier than.</summary>
    public static bool operator <(SequenceNumber left, SequenceNumber right) => left - right < 0;

    /// <summary>Later than.</summary>
    public static bool operator >(SequenceNumber left, SequenceNumber right) => left - right > 0;

    /// <summary>Earlier than or the same.</summary>
    public static bool operator <=(SequenceNumber left, SequenceNumber right) => left - right <= 0;

    /// <summary>Later than or the same.</summary>
    public static bool operator >=(SequenceNumber left, SequenceNumber right) => left - right >= 0;

    /// <summary>The later of the two.</summary>
    public static SequenceNumber Max(SequenceNumber left, SequenceNumber right) => left >= right ? left : right;

    /// <summary>The earlier of the two.</summary>
    public static SequenceNumber Min(SequenceNumber left, SequenceNumber right) => left <= right ? left : right;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
