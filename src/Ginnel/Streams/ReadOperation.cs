using Ginnel.Netstack;

namespace Ginnel;

/// <summary>A read that waits.</summary>
internal sealed class ReadOperation(TcpSocket socket) : Operation<int>(socket.Shard)
{
    private Memory<byte> _buffer;

    /// <summary>Waits after <see cref="Operation{TResult}.TryBegin"/>; an empty buffer waits until there is something to read.</summary>
    internal ValueTask<int> WaitAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        _buffer = buffer;
        Watch(cancellationToken);
        short version = Version;
        Execute();
        return new ValueTask<int>(this, version);
    }

    public override void Execute()
    {
        OpStatus status = socket.TryRead(_buffer.Span, this, out int count);
        if (status == OpStatus.WouldBlock) return; // Armed: from here on it may be executing elsewhere already.
        if (IsCancelled && count == 0) FailCancelled();
        else if (status is OpStatus.Ok or OpStatus.EndOfStream) Complete(count);
        else Fail(TcpStream.ReadError(socket, status));
    }

    protected override void Clear() => _buffer = default;
}
