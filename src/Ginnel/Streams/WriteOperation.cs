using Ginnel.Netstack;

namespace Ginnel;

/// <summary>A write that waits for room.</summary>
internal sealed class WriteOperation(TcpSocket socket) : Operation<int>(socket.Shard)
{
    private ReadOnlyMemory<byte> _rest;

    /// <summary>Waits after <see cref="Operation{TResult}.TryBegin"/> until all is written; with nothing to write, until there is room.</summary>
    internal ValueTask<int> WaitAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        Start(bytes, cancellationToken, out short version);
        return new ValueTask<int>(this, version);
    }

    /// <summary>The same without a result.</summary>
    internal ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        Start(bytes, cancellationToken, out short version);
        return new ValueTask(this, version);
    }

    private void Start(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken, out short version)
    {
        _rest = bytes;
        Watch(cancellationToken);
        version = Version;
        Execute();
    }

    public override void Execute()
    {
        while (true)
        {
            OpStatus status = socket.TryWrite(_rest.Span, this, out int count);
            if (status == OpStatus.WouldBlock) return; // Armed: from here on it may be executing elsewhere already.
            _rest = _rest[count..];
            if (IsCancelled && (count == 0 || !_rest.IsEmpty)) FailCancelled();
            else if (status != OpStatus.Ok) Fail(TcpStream.WriteError(socket, status));
            else if (_rest.IsEmpty) Complete(0);
            else continue;
            return;
        }
    }

    protected override void Clear() => _rest = default;
}
