using System.Runtime.InteropServices;
using Ginnel.Wire;

namespace Ginnel;

/// <summary>
/// Gives idle packet slabs back when the garbage collector makes a full round: then memory is wanted, and a stack in steady state, which
/// allocates nothing, is not disturbed. The finalizer runs once for each collection of this object's generation and puts it up again.
/// </summary>
internal sealed class PoolTrimmer
{
    /// <summary>Slabs of each class that a pool keeps: a few batches' worth.</summary>
    private const int Keep = 64;

    // A handle, for a WeakReference has a finalizer of its own, which may run before this one.
    private GCHandle _pool;

    private PoolTrimmer(PacketPool pool) => _pool = GCHandle.Alloc(pool, GCHandleType.Weak);

    /// <summary>Trims the pool from now on, until it is collected itself.</summary>
    internal static void Watch(PacketPool pool) => _ = new PoolTrimmer(pool);

    /// <summary>A collection has taken place.</summary>
    ~PoolTrimmer()
    {
        if (_pool.Target is not PacketPool pool)
        {
            _pool.Free();
            return;
        }
        pool.Trim(Keep);
        GC.ReRegisterForFinalize(this);
    }
}
