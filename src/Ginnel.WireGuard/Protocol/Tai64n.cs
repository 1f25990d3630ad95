using System.Buffers.Binary;

namespace Ginnel.WireGuard.Protocol;

/// <summary>
/// A TAI64N label: seconds since 1970 (TAI, so 10 s ahead of UTC then) with 2^62 added, and nanoseconds, both big-endian. Two labels
/// compare as bytes. A responder keeps the greatest of each peer, so that an old initiation is worth nothing.
/// </summary>
internal readonly record struct Tai64n(ulong Seconds, uint Nanoseconds)
{
    public const int Size = 12;
    private const ulong Base = (1UL << 62) + 10;

    // Fine times of sending help who watches: rounded to 2^24 ns (16.8 ms), as others do.
    private const uint Coarseness = 1u << 24;

    public static Tai64n From(DateTimeOffset time)
    {
        long ticks = time.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks;
        uint nanoseconds = (uint)(ticks % TimeSpan.TicksPerSecond * 100);
        return new Tai64n(Base + (ulong)(ticks / TimeSpan.TicksPerSecond), nanoseconds & ~(Coarseness - 1));
    }

    public static Tai64n Read(ReadOnlySpan<byte> bytes) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]));

    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64BigEndian(bytes, Seconds);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[8..], Nanoseconds);
    }

    public bool IsAfter(Tai64n other) => Seconds != other.Seconds ? Seconds > other.Seconds : Nanoseconds > other.Nanoseconds;

    /// <summary>The next label that is greater, for a clock that stands still or goes back.</summary>
    public Tai64n Next() => Nanoseconds + Coarseness < 1_000_000_000 ? this with { Nanoseconds = Nanoseconds + Coarseness } : new(Seconds + 1, 0);
}
