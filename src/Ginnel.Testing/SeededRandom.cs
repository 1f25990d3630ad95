using System.Numerics;

namespace Ginnel.Testing;

/// <summary>
/// Random numbers that repeat themselves with their seed, on every machine and in every version of the runtime (xoshiro256**, seeded by
/// SplitMix64). For simulations only: a stranger can predict it. Not thread-safe.
/// </summary>
public sealed class SeededRandom
{
    private ulong _a;
    private ulong _b;
    private ulong _c;
    private ulong _d;

    /// <summary>A generator for this seed; every seed is good, 0 included.</summary>
    public SeededRandom(ulong seed)
    {
        _a = Mix(ref seed);
        _b = Mix(ref seed);
        _c = Mix(ref seed);
        _d = Mix(ref seed);
    }

    /// <summary>64 bits.</summary>
    public ulong NextUInt64()
    {
        ulong result = BitOperations.RotateLeft(_b * 5, 7) * 9;
        ulong shifted = _b << 17;
        _c ^= _a;
        _d ^= _b;
        _b ^= _c;
        _a ^= _d;
        _c ^= shifted;
        _d = BitOperations.RotateLeft(_d, 45);
        return result;
    }

    /// <summary>From 0 up to but not including 1.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>A number from <paramref name="minimum"/> up to and including <paramref name="maximum"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is empty.</exception>
    public int Next(int minimum, int maximum)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maximum, minimum);
        ulong range = (ulong)((long)maximum - minimum + 1);
        return (int)(minimum + (long)Math.BigMul(NextUInt64(), range, out _));
    }

    /// <summary>
    /// A number from <paramref name="minimum"/> (at least 1) to <paramref name="maximum"/> whose order of magnitude is uniform, so that
    /// small and large values are equally well tried.
    /// </summary>
    public int NextLogarithmic(int minimum, int maximum)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(minimum, 1);
        double low = Math.Log(minimum), high = Math.Log(maximum + 1.0);
        return Math.Clamp((int)Math.Exp(low + (high - low) * NextDouble()), minimum, maximum);
    }

    /// <summary>True with this probability, 0–1. A probability of 0 or 1 consumes no randomness.</summary>
    public bool Chance(double probability) => probability > 0 && (probability >= 1 || NextDouble() < probability);

    /// <summary>A span from zero up to but not including <paramref name="bound"/>; zero for zero.</summary>
    public TimeSpan NextTime(TimeSpan bound) => TimeSpan.FromTicks((long)(bound.Ticks * NextDouble()));

    /// <summary>One of the items.</summary>
    public T Pick<T>(params ReadOnlySpan<T> items) => items[Next(0, items.Length - 1)];

    /// <summary>A generator of its own for one part of a simulation, so that what one part draws does not change what others do.</summary>
    public SeededRandom Fork() => new(NextUInt64());

    private static ulong Mix(ref ulong state)
    {
        ulong value = state += 0x9E37_79B9_7F4A_7C15;
        value = (value ^ value >> 30) * 0xBF58_476D_1CE4_E5B9;
        value = (value ^ value >> 27) * 0x94D0_49BB_1331_11EB;
        return value ^ value >> 31;
    }
}
