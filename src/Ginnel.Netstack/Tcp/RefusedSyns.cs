using System.Numerics;
using System.Runtime.InteropServices;
using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// SYNs that found the pending connections of any-IP mode at their limit. Theory of operation: a cookie cannot answer them, for the answer waits for
/// a dial. So the first SYN of an attempt is turned away, and only its repetition may take another's place: a client repeats it, with the
/// same numbers, after a second; a flood from made-up sources does not, and so starts no dials beyond the limit. What is remembered is a
/// fingerprint of 16 bits among the last sixteen of its bucket, in a table that is made when it is first needed and given back when nobody is turned
/// away any more. Of a flood of 100,000 a second one in 4,096 is taken for a repetition, and nearly every client is known again after a
/// second, five of six after two: one place for each fingerprint, which the next overwrites, would know only two of three. Who repeats his
/// whole flood gains what he had before: a random other gives way.
/// </summary>
internal sealed class RefusedSyns(KeyedHash hash)
{
    private const byte Purpose = 3;
    private const int BucketSize = 16;
    private const int Largest = 512 << 10;

    private byte[]? _table;

    /// <summary>Whether this SYN was turned away before; from now on it was. True also where there is no memory to tell.</summary>
    internal bool WasRefused(in FlowKey flow, SequenceNumber irs, RingMemory memory)
    {
        if (_table is null && !TryRent(memory)) return true;
        ulong mix = hash.Of(flow, Purpose, irs.Value);
        Span<ushort> prints = MemoryMarshal.Cast<byte, ushort>(_table.AsSpan());
        Span<ushort> bucket = prints.Slice((int)(mix & (uint)(prints.Length - 1)) & -BucketSize, BucketSize);
        // Zero is an empty slot.
        ushort print = (ushort)Math.Max(1u, (uint)(mix >> 48));
        bool known = bucket.Contains(print);
        // The newest first; the oldest falls out.
        bucket[..^1].CopyTo(bucket[1..]);
        bucket[0] = print;
        return known;
    }

    /// <summary>Nobody is turned away any more.</summary>
    internal void Forget(RingMemory memory)
    {
        if (_table is null) return;
        memory.Return(MemoryUse.Handshakes, _table);
        _table = null;
    }

    // A small stack does not give a large part of its memory for it.
    private bool TryRent(RingMemory memory)
    {
        long share = Math.Min(Largest, memory.Budget.Limit / 64);
        if (share < RingMemory.Smallest) return false;
        int size = (int)BitOperations.RoundUpToPowerOf2((ulong)share / 2 + 1);
        if (!memory.TryRent(MemoryUse.Handshakes, size, out byte[] table)) return false;
        table.AsSpan().Clear();
        _table = table;
        return true;
    }
}
