using System.Buffers;
using System.Buffers.Binary;
using Ginnel.Wire;

namespace Ginnel;

/// <content>Writing: what waits is written in batches by one task at a time, which exists only while there is something to write.</content>
public sealed partial class StreamLink : IThreadPoolWorkItem
{
    private const int BatchBytes = 64 << 10;
    private readonly Lock _lock = new();
    private PacketQueue _waiting;
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
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
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
            while (true)
            {
                int length = FillBatch(buffer, out bool isLast, out bool wakeSender);
                if (wakeSender) _sink?.Writable(); // May bring more, hence another look before the turn ends.
                else if (length == 0) return;
                if (length == 0) continue;
                await _output.WriteAsync(buffer.AsMemory(0, length)).ConfigureAwait(false);
                if (isLast) await _output.FlushAsync().ConfigureAwait(false);
            }
        }
        catch (Exception exception)
        {
            // Whatever a foreign stream throws: a writer that died unseen would leave a link that takes packets and sends none.
            StopWriter();
            Break(exception);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // isLast: nothing waits behind this batch. With nothing at all to do the writer's turn is over, decided under the lock.
    private int FillBatch(byte[] buffer, out bool isLast, out bool wakeSender)
    {
        int length = 0;
        lock (_lock)
        {
            while (_waiting.Peek() is { } next && length + _prefixSize + next.Length <= buffer.Length)
            {
                Packet packet = _waiting.Take()!;
                if (_prefixSize == 4) BinaryPrimitives.WriteUInt32BigEndian(buffer.AsSpan(length), (uint)packet.Length);
                else BinaryPrimitives.WriteUInt16BigEndian(buffer.AsSpan(length), (ushort)packet.Length);
                packet.Span.CopyTo(buffer.AsSpan(length + _prefixSize));
                length += _prefixSize + packet.Length;
                packet.Return();
            }
            isLast = _waiting.IsEmpty;
            wakeSender = _senderWaits && _waiting.Bytes <= _options.SendQueueBytes / 2;
            if (wakeSender) _senderWaits = false;
            if (length == 0 && isLast && !wakeSender) _writing = false;
        }
        return length;
    }
}
