using System.Buffers;
using System.Buffers.Binary;
using Ginnel.Wire;

namespace Ginnel;

/// <content>Writing: what waits is written in batches by one task at a time, which exists only while there is something to write.</content>
public sealed partial class StreamLink : IThreadPoolWorkItem
{
    // Room for a super-segment of 64 KiB with the headers and prefixes of all its packets.
    private const int BatchBytes = 128 << 10;
    private readonly Lock _lock = new();
    private PacketQueue _waiting;
    // The writer's own, of which there is one at a time: what it has taken, and the packet that it is cutting.
    private PacketQueue _taken;
    private SegmentCutter _cutter;
    private bool _writing;
    private bool _senderWaits;
    private bool _stopped;

    /// <inheritdoc/>
    public int Send(ref PacketQueue queue)
    {
        int taken = 0;
        lock (_lock)
        {
            if (_stopped)
            {
                taken = queue.Count;
                queue.ReturnAll();
                return taken;
            }
            while (_waiting.Bytes < _options.SendQueueBytes && queue.Take() is { } packet)
            {
                _waiting.Add(packet);
                taken++;
            }
            if (!queue.IsEmpty) _senderWaits = true;
        }
        WakeWriter();
        return taken;
    }

    private void WakeWriter()
    {
        lock (_lock)
        {
            if (_writing || _stopped || _waiting.IsEmpty || _sink is null) return;
            _writing = true;
        }
        _options.Scheduler.Schedule(this);
    }

    private void StopWriter()
    {
        lock (_lock)
        {
            _stopped = true;
            _waiting.ReturnAll();
        }
    }

    void IThreadPoolWorkItem.Execute() => _ = WriteAllAsync();

    private async Task WriteAllAsync()
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Math.Max(BatchBytes, _prefixSize + LargestFrame));
        try
        {
            while (TakeBatch(out bool isLast, out bool wakeSender))
            {
                if (wakeSender) _sink?.Writable();
                int length = FillBuffer(buffer);
                if (length == 0) continue;
                await _output.WriteAsync(buffer.AsMemory(0, length)).ConfigureAwait(false);
                if (isLast && _cutter.IsDone && _taken.IsEmpty) await _output.FlushAsync().ConfigureAwait(false);
            }
        }
        catch (Exception exception)
        {
            // Whatever a foreign stream throws: a writer that died unseen would leave a link that takes packets and sends none.
            StopWriter();
            Break(exception);
            _taken.ReturnAll();
            _cutter.Return();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // False: with nothing at all to do the writer's turn is over, decided under the lock. isLast: nothing waits behind what was taken.
    private bool TakeBatch(out bool isLast, out bool wakeSender)
    {
        lock (_lock)
        {
            while (_taken.Bytes < BatchBytes && _waiting.Take() is { } packet) _taken.Add(packet);
            isLast = _waiting.IsEmpty;
            wakeSender = _senderWaits && _waiting.Bytes <= _options.SendQueueBytes / 2;
            if (wakeSender) _senderWaits = false;
            _writing = wakeSender || !_taken.IsEmpty || !_cutter.IsDone;
            return _writing;
        }
    }

    /// <summary>Cuts super-segments right into the buffer: it is the only copy that they need, and their checksums are made on the way.</summary>
    private int FillBuffer(byte[] buffer)
    {
        int length = 0;
        while (true)
        {
            if (_cutter.IsDone)
            {
                if (_taken.Take() is not { } packet) return length;
                if (SegmentCutter.Begin(packet, _ipOffset, partialChecksums: false, out _cutter) != DropReason.None) Interlocked.Increment(ref _dropped);
                continue;
            }
            int frame = _cutter.NextLength;
            if (length + _prefixSize + frame > buffer.Length) return length;
            if (_prefixSize == 4) BinaryPrimitives.WriteUInt32BigEndian(buffer.AsSpan(length), (uint)frame);
            else BinaryPrimitives.WriteUInt16BigEndian(buffer.AsSpan(length), (ushort)frame);
            _cutter.WriteNext(buffer.AsSpan(length + _prefixSize, frame));
            length += _prefixSize + frame;
        }
    }
}
