using Ginnel.Linux.Events;
using Ginnel.Testing;
using Ginnel.Versus.Ends;
using Ginnel.Wire;

namespace Ginnel.Versus.Paths;

/// <summary>
/// A path with a kernel and a stack of ours at either side. The senders are on the left, the receivers on the right, and all of them share the one
/// bottleneck. Each kernel has a network namespace of its own with one TUN device without offload.
/// </summary>
internal sealed class Lane : IAsyncDisposable
{
    private readonly PathDirection _there, _back;

    internal Lane(SimulatedLinkOptions path, ulong seed, EventLoop loop, NetworkRuntime runtime)
    {
        PacketPool pool = runtime.Pool;
        _there = new PathDirection(path, pool, 2 * seed, loop);
        _back = new PathDirection(path, pool, (2 * seed) + 1, loop);
        KernelLeft = new KernelHost(1, _there, pool, loop);
        KernelRight = new KernelHost(2, _back, pool, loop);
        OwnLeft = new OwnHost(3, _there, runtime);
        OwnRight = new OwnHost(4, _back, runtime);
        _back.Attach(1, KernelLeft);
        _there.Attach(2, KernelRight);
        _back.Attach(3, OwnLeft);
        _there.Attach(4, OwnRight);
    }

    internal KernelHost KernelLeft { get; }
    internal KernelHost KernelRight { get; }
    internal OwnHost OwnLeft { get; }
    internal OwnHost OwnRight { get; }

    /// <summary>What befell the packets of the senders.</summary>
    internal LinkCounters There => _there.Counters;

    internal IVersusHost Sender(bool own) => own ? OwnLeft : KernelLeft;

    internal IVersusHost Receiver(bool own) => own ? OwnRight : KernelRight;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await OwnLeft.DisposeAsync();
        await OwnRight.DisposeAsync();
        await KernelLeft.DisposeAsync();
        await KernelRight.DisposeAsync();
        _there.Dispose();
        _back.Dispose();
    }
}
