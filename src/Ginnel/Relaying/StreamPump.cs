using System.Buffers;
using System.Runtime.CompilerServices;
using Ginnel.Netstack;

namespace Ginnel;

/// <summary>
/// Carries one direction between two streams. Where one side is a connection of a stack its ring is lent to the other side's read or
/// write, so that bytes are copied once; a sink that is slow holds the loan, and the window of the source closes by itself.
/// </summary>
internal static class StreamPump
{
    // Bytes per write out of a ring: large for few system calls, small enough that the window opens while the rest is being sent.
    private const int MaxChunk = 256 << 10;
    private const int BufferSize = 64 << 10;

    internal static Task<PumpResult> RunAsync(DuplexStream source, DuplexStream sink, FlowDirection direction) => source is TcpStream leased
        ? FromLeaseAsync(leased, sink, direction)
        : sink is TcpStream lent && source is HostStream socket ? IntoLeaseAsync(socket, lent, direction) : CopyAsync(source, sink, direction);

    // The source has come to its end, and the sink is told.
    private static async ValueTask<PumpResult> CompleteAsync(DuplexStream sink, FlowDirection direction)
    {
        try
        {
            await sink.CompleteWritesAsync().ConfigureAwait(false);
        }
        catch (Exception exception) when (IsBroken(exception))
        {
            return PumpResult.SinkBroke;
        }
        direction.Activity = FlowActivity.Ended;
        return PumpResult.EndOfStream;
    }

    private static async Task<PumpResult> FromLeaseAsync(TcpStream source, DuplexStream sink, FlowDirection direction)
    {
        while (true)
        {
            OpStatus status = source.Socket.TryLeaseRead(out RingLease lease);
            if (status == OpStatus.WouldBlock)
            {
                direction.Activity = FlowActivity.Waiting;
                try
                {
                    await source.ReadAsync(Memory<byte>.Empty).ConfigureAwait(false);
                }
                catch (Exception exception) when (IsBroken(exception))
                {
                    return PumpResult.SourceBroke;
                }
                finally
                {
                    direction.Activity = FlowActivity.Carrying;
                }
                continue;
            }
            if (status == OpStatus.EndOfStream) return await CompleteAsync(sink, direction).ConfigureAwait(false);
            if (status != OpStatus.Ok) return PumpResult.SourceBroke;
            int taken = 0;
            try
            {
                taken = await SendAsync(sink, lease).ConfigureAwait(false);
            }
            catch (Exception exception) when (IsBroken(exception))
            {
                return PumpResult.SinkBroke;
            }
            finally
            {
                source.Socket.EndRead(taken);
                direction.Count(taken);
            }
        }
    }

    // A host's stream takes what fits, and the window opens for as much; others take a piece whole.
    private static ValueTask<int> SendAsync(DuplexStream sink, in RingLease lease)
    {
        Memory<byte> first = lease.First[..Math.Min(lease.First.Length, MaxChunk)];
        Memory<byte> second = first.Length == lease.First.Length ? lease.Second[..Math.Min(lease.Second.Length, MaxChunk - first.Length)] : default;
        return sink is HostStream host ? host.SendSomeAsync(first, second) : WriteAsync(sink, first, second);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private static async ValueTask<int> WriteAsync(DuplexStream sink, Memory<byte> first, Memory<byte> second)
    {
        await sink.WriteAsync(first).ConfigureAwait(false);
        if (!second.IsEmpty) await sink.WriteAsync(second).ConfigureAwait(false);
        return first.Length + second.Length;
    }

    private static async Task<PumpResult> IntoLeaseAsync(HostStream source, TcpStream sink, FlowDirection direction)
    {
        while (true)
        {
            // Only once there is something to read is room asked for: a connection that waits holds no buffer.
            direction.Activity = FlowActivity.Waiting;
            bool isOpen = await source.WaitReadableAsync().ConfigureAwait(false);
            direction.Activity = FlowActivity.Carrying;
            if (!isOpen) return PumpResult.SourceBroke;
            bool again;
            do
            {
                OpStatus status = sink.Socket.TryLeaseWrite(MaxChunk, out RingLease lease);
                if (status == OpStatus.WouldBlock)
                {
                    if (!await WaitAsync(sink.WaitWritableAsync(CancellationToken.None)).ConfigureAwait(false)) return PumpResult.SinkBroke;
                    again = true;
                    continue;
                }
                if (status != OpStatus.Ok) return PumpResult.SinkBroke;
                int received = Receive(source, sink, lease);
                if (received == 0) return await CompleteAsync(sink, direction).ConfigureAwait(false);
                if (received == Broken) return PumpResult.SourceBroke;
                if (received > 0) direction.Count(received);
                // Where not all the room was filled the source knows whether anything is left.
                again = received == lease.Length;
            }
            while (again);
        }
    }

    private const int Broken = int.MinValue;

    private static int Receive(HostStream source, TcpStream sink, RingLease lease)
    {
        int received = Broken;
        try
        {
            return received = source.TryReceive(lease.First.Span, lease.Second.Span);
        }
        catch (IOException)
        {
            return Broken;
        }
        finally
        {
            sink.Socket.EndWrite(Math.Max(0, received));
        }
    }

    private static async Task<PumpResult> CopyAsync(DuplexStream source, DuplexStream sink, FlowDirection direction)
    {
        while (true)
        {
            if (!await WaitForAsync(source, direction).ConfigureAwait(false)) return PumpResult.SourceBroke;
            byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
            bool reading = true;
            try
            {
                int read = await source.ReadAsync(buffer).ConfigureAwait(false);
                if (read == 0) return await CompleteAsync(sink, direction).ConfigureAwait(false);
                reading = false;
                await sink.WriteAsync(buffer.AsMemory(0, read)).ConfigureAwait(false);
                direction.Count(read);
            }
            catch (Exception exception) when (IsBroken(exception))
            {
                return reading ? PumpResult.SourceBroke : PumpResult.SinkBroke;
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }

    // False when the source broke. While it waits nothing is in hand.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private static async ValueTask<bool> WaitForAsync(DuplexStream source, FlowDirection direction)
    {
        direction.Activity = FlowActivity.Waiting;
        try
        {
            await source.ReadAsync(Memory<byte>.Empty).ConfigureAwait(false);
            return true;
        }
        catch (Exception exception) when (IsBroken(exception))
        {
            return false;
        }
        finally
        {
            direction.Activity = FlowActivity.Carrying;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private static async ValueTask<bool> WaitAsync(ValueTask<int> ready)
    {
        try
        {
            await ready.ConfigureAwait(false);
            return true;
        }
        catch (Exception exception) when (IsBroken(exception))
        {
            return false;
        }
    }

    // What a stream of someone else may throw when it breaks; anything else is a fault and surfaces.
    internal static bool IsBroken(Exception exception) => exception is IOException or ObjectDisposedException or OperationCanceledException;
}
