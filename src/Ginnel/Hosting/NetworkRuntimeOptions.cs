using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel;

/// <summary>What hosts share; see <see cref="NetworkRuntime"/>.</summary>
public sealed class NetworkRuntimeOptions
{
    /// <summary>The clock and its timers.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Where unpredictability comes from; null for the operating system's generator.</summary>
    public EntropySource? Entropy { get; init; }

    /// <summary>Where continuations run.</summary>
    public CompletionScheduler Completions { get; init; } = CompletionScheduler.ThreadPool;

    /// <summary>Where packets come from; null for a pool of <see cref="PacketMemory"/> bytes.</summary>
    public PacketPool? Pool { get; init; }

    /// <summary>Bytes of packet slabs, at least 1 MiB. Where they are used up, links discard what arrives.</summary>
    public long PacketMemory { get; init; } = 256L << 20;

    /// <summary>Bytes that the buffers of all hosts' connections may hold together; each host has its own limit besides.</summary>
    public long BufferMemory { get; init; } = 1L << 30;
}
