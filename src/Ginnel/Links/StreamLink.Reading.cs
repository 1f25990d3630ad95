using System.Buffers;
using System.Buffers.Binary;
using Ginnel.Wire;

namespace Ginnel;

/// <content>Reading: chunks in, batches of packets out.</content>
public sealed partial class StreamLink
{
    private const int FirstChunk = 64 << 10;
    private const int LargestChunk = 256 << 10;
    private readonly SegmentCoalescer _coalescer;

    private async Task ReadAllAsync(ILinkSink sink, CancellationToken cancellationToken)
    {
        byte[] buffer = [];
        int filled = 0;
        await _options.Scheduler.YieldAsync();
        try
        {
            while (true)
            {
                if (filled == 0)
                {
                    // A link that waits holds no buffer, where the stream supports waiting by reading nothing.
                    Return(ref buffer);
                    await _input.ReadAsync(Memory<byte>.Empty, cancellationToken).ConfigureAwait(false);
                    buffer = ArrayPool<byte>.Shared.Rent(Math.Max(FirstChunk, _prefixSize + _options.MaxFrame));
                }
                int read = await _input.ReadAsync(buffer.AsMemory(filled), cancellationToken).ConfigureAwait(false);
                if (read == 0)
                {
                    if (filled > 0) throw new IOException($"The stream ended inside a frame, after {filled} bytes of it.");
                    return;
                }
                filled += read;
                bool wasFull = filled == buffer.Length;
                int used = DeliverFrames(sink, buffer.AsSpan(0, filled));
                filled -= used;
                buffer.AsSpan(used, filled).CopyTo(buffer);
                if (wasFull && buffer.Length < LargestChunk) Grow(ref buffer, filled);
            }
        }
        finally
        {
            Return(ref buffer);
        }
    }

    private int DeliverFrames(ILinkSink sink, ReadOnlySpan<byte> bytes)
    {
        PacketQueue batch = default;
        int at = 0;
        while (bytes.Length - at >= _prefixSize)
        {
            uint length = _prefixSize == 4 ? BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]) : BinaryPrimitives.ReadUInt16BigEndian(bytes[at..]);
            if (length > (uint)_options.MaxFrame)
            {
                _coalescer.Flush(ref batch);
                batch.ReturnAll();
                throw new IOException($"A frame announces {length} bytes where {_options.MaxFrame} is the most: the other end frames differently, or the framing is lost.");
            }
            if (bytes.Length - at - _prefixSize < (int)length) break;
            if (length > 0 && !_coalescer.TryAdd(bytes.Slice(at + _prefixSize, (int)length), sink, ref batch)) Interlocked.Increment(ref _dropped);
            at += _prefixSize + (int)length;
        }
        _coalescer.Flush(ref batch);
        if (batch.IsEmpty) return at;
        if (ReferenceEquals(_sink, sink)) sink.Deliver(ref batch); else batch.ReturnAll();
        return at;
    }

    private static void Grow(ref byte[] buffer, int filled)
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Min(LargestChunk, buffer.Length * 2));
        buffer.AsSpan(0, filled).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = larger;
    }

    private static void Return(ref byte[] buffer)
    {
        if (buffer.Length > 0) ArrayPool<byte>.Shared.Return(buffer);
        buffer = [];
    }
}
