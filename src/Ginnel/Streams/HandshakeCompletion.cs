namespace Ginnel;

/// <summary>Tells once whether a handshake came about.</summary>
internal sealed class HandshakeCompletion : Completion
{
    // Executed by the completion scheduler, hence continuations may run on its stack.
    private readonly TaskCompletionSource<bool> _source = new();
    private bool _connected;
    private bool _decided;

    internal Task<bool> Task => _source.Task;

    /// <summary>Under the lock.</summary>
    internal void Wake(bool connected, ref ShardWork work)
    {
        if (_decided) return;
        _decided = true;
        _connected = connected;
        work.Add(this);
    }

    public override void Execute() => _source.TrySetResult(_connected);
}
