namespace Ginnel.Netstack;

/// <summary>A point on a monotonic clock that the stack is told; it has none of its own. The origin is the shell's choice.</summary>
/// <param name="Ticks">Units of 100 ns since the origin.</param>
public readonly record struct Instant(long Ticks) : IComparable<Instant>
{
    /// <summary>Later than everything: no deadline.</summary>
    public static Instant Never => new(long.MaxValue);

    /// <summary>The instant a span later; <see cref="Never"/> stays never.</summary>
    public static Instant operator +(Instant instant, TimeSpan span) =>
        instant.Ticks == long.MaxValue ? instant : new(instant.Ticks + span.Ticks);

    /// <summary>The instant a span earlier.</summary>
    public static Instant operator -(Instant instant, TimeSpan span) => new(instant.Ticks - span.Ticks);

    /// <summary>The span between two instants.</summary>
    public static TimeSpan operator -(Instant later, Instant earlier) => new(later.Ticks - earlier.Ticks);

    /// <summary>Earlier than.</summary>
    public static bool operator <(Instant left, Instant right) => left.Ticks < right.Ticks;

    /// <summary>Later than.</summary>
    public static bool operator >(Instant left, Instant right) => left.Ticks > right.Ticks;

    /// <summary>Not later than.</summary>
    public static bool operator <=(Instant left, Instant right) => left.Ticks <= right.Ticks;

    /// <summary>Not earlier than.</summary>
    public static bool operator >=(Instant left, Instant right) => left.Ticks >= right.Ticks;

    /// <summary>The earlier of the two.</summary>
    public static Instant Min(Instant left, Instant right) => left < right ? left : right;

    /// <inheritdoc/>
    public int CompareTo(Instant other) => Ticks.CompareTo(other.Ticks);
}
