using Ginnel.Netstack;

namespace Ginnel;

/// <summary>The shell's side of a socket of the stack. Everything here is called under the shard's lock.</summary>
internal abstract class ShardSocket(Shard shard)
{
    internal Shard Shard { get; } = shard;

    /// <summary>The stack's name for it; none until it exists and after it was released.</summary>
    internal SocketId Id;

    /// <summary>Something happened; operations that can go on are added to the work.</summary>
    internal abstract void OnEvents(SocketEvents events, ref ShardWork work);

    /// <summary>The host is gone: every operation fails with its reason.</summary>
    internal abstract void OnHostEnded(ref ShardWork work);
}
