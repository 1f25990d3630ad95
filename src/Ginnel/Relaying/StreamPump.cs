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

    internal static async Task<PumpResult> RunAsync(DuplexStream source, DuplexStream sink, FlowDirection direction, CancellationToken cancellationToken)
    {
        PumpResult result = source is TcpStream leased
            ? await FromLeaseAsync(leased, sink, direction, cancellationToken).ConfigureAwait(false)
            : sink is TcpStream lent && source is HostStream socket
                ? await IntoLeaseAsync(socket, lent, direction, cancellationToken).ConfigureAwait(false)
                : await CopyAsync(source, sink, direction, cancellationToken).ConfigureAwait(false);
        if (result != PumpResult.EndOfStream) return result;
        try
        {
            await sink.CompleteWritesAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (IsBroken(exception))
        {
            return PumpResult.SinkBroke;
        }
        direction.Activity = FlowActivity.Ended;
        return PumpResult.EndOfStream;
    }

    private static async Task<PumpResult> FromLeaseAsync(TcpStream source, DuplexStream sink, FlowDirection direction, CancellationToken cancellationToken)
    {
        while (true)
        {
            OpStatus status = source.Socket.TryLeaseRead(out RingLease lease);
            if (status == OpStatus.WouldBlock)
            {
                if (!await WaitForAsync(source, direction, cancellationToken).ConfigureAwait(false)) return PumpResult.SourceBroke;
                continue;
            }
            if (status == OpStatus.EndOfStream) return PumpResult.EndOfStream;
            if (status != OpStatus.Ok) return PumpResult.SourceBroke;
            int taken = 0;
            try
            {
                taken = await SendAsync(sink, lease, cancellationToken).ConfigureAwait(false);
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
    private static ValueTask<int> SendAsync(DuplexStream sink, in RingLease lease, CancellationToken cancellationToken)
    {
        Memory<byte> first = lease.First[..Math.Min(lease.First.Length, MaxChunk)];
        Memory<byte> second = first.Length == lease.First.Length ? lease.Second[..Math.Min(lease.Second.Length, MaxChunk - first.Length)] : default;
        return sink is HostStream host ? host.SendSomeAsync(first, second, cancellationToken) : WriteAsync(sink, first, second, cancellationToken);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private static async ValueTask<int> WriteAsync(DuplexStream sink, Memory<byte> first, Memory<byte> second, CancellationToken cancellationToken)
    {
        await sink.WriteAsync(first, cancellationToken).ConfigureAwait(false);
        if (!second.IsEmpty) await sink.WriteAsync(second, cancellationToken).ConfigureAwait(false);
        return first.Length + second.Length;
    }

    private static async Task<PumpResult> IntoLeaseAsync(HostStream source, TcpStream sink, FlowDirection direction, CancellationToken cancellationToken)
    {
        while (true)
        {
            // Only once there is something to read is room asked for: a connection that waits holds no buffer.
            if (!await WaitForAsync(source, direction, cancellationToken).ConfigureAwait(false)) return PumpResult.SourceBroke;
            int received;
            do
            {
                OpStatus status = sink.Socket.TryLeaseWrite(MaxChunk, out RingLease lease);
                if (status == OpStatus.WouldBlock)
                {
                    if (!await WaitAsync(sink.WaitWritableAsync(cancellationToken)).ConfigureAwait(false)) return PumpResult.SinkBroke;
                    received = 1;
                    continue;
                }
                if (status != OpStatus.Ok) return PumpResult.SinkBroke;
                received = Receive(source, sink, lease);
                if (received == 0) return PumpResult.EndOfStream;
                if (received == Broken) return PumpResult.SourceBroke;
                if (received > 0) direction.Count(received);
            }
            while (received > 0);
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

    private static async Task<PumpResult> CopyAsync(DuplexStream source, DuplexStream sink, FlowDirection direction, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (!await WaitForAsync(source, direction, cancellationToken).ConfigureAwait(false)) return PumpResult.SourceBroke;
            byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
            bool reading = true;
            try
            {
                int read = await source.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
                if (read == 0) return PumpResult.EndOfStream;
                reading = false;
                await sink.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
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
    private static async ValueTask<bool> WaitForAsync(DuplexStream source, FlowDirection direction, CancellationToken cancellationToken)
    {
        direction.Activity = FlowActivity.Waiting;
        try
        {
            await source.ReadAsync(Memory<byte>.Empty, cancellationToken).ConfigureAwait(false);
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
