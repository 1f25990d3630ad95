using System.Buffers;
using System.Runtime.CompilerServices;
using Ginnel.Netstack;

namespace Ginnel;

/// <content>Writing what lies in several places.</content>
public sealed partial class TcpStream
{
    /// <summary>
    /// Writes buffers as one: the stack sees them together and cuts them as it likes, where a write for each would end each in a short segment.
    /// </summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask WriteAsync(ReadOnlySequence<byte> buffers, CancellationToken cancellationToken = default)
    {
        while (!buffers.IsSingleSegment)
        {
            cancellationToken.ThrowIfCancellationRequested();
            OpStatus status = TryGather(buffers, out int count);
            if (status == OpStatus.WouldBlock) await WaitWritableAsync(cancellationToken).ConfigureAwait(false);
            else if (status != OpStatus.Ok) throw WriteError(Socket, status);
            buffers = buffers.Slice(count);
        }
        await WriteAsync(buffers.First, cancellationToken).ConfigureAwait(false);
    }

    private OpStatus TryGather(ReadOnlySequence<byte> buffers, out int count)
    {
        ThrowIfDisposed();
        WriteOperation operation = Socket.Writing;
        if (!operation.TryBegin()) throw new InvalidOperationException("A write is under way already; one at a time.");
        count = 0;
        OpStatus status = Socket.TryLeaseWrite((int)Math.Min(buffers.Length, int.MaxValue), out RingLease lease);
        if (status == OpStatus.Ok)
        {
            int room = (int)Math.Min(buffers.Length, lease.Length), toFirst = Math.Min(room, lease.First.Length);
            buffers.Slice(0, toFirst).CopyTo(lease.First.Span);
            buffers.Slice(toFirst, room - toFirst).CopyTo(lease.Second.Span);
            count = room;
            Socket.EndWrite(room);
        }
        operation.EndAtOnce();
        return status;
    }
}
