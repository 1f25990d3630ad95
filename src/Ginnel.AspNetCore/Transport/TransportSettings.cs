using System.Buffers;
using System.IO.Pipelines;
using Microsoft.Extensions.Logging;

namespace Ginnel.AspNetCore;

/// <summary>What the connections of one listener have in common.</summary>
internal sealed class TransportSettings : IDisposable
{
    private readonly bool _ownsPool;

    internal TransportSettings(NetworkHostTransportOptions options, MemoryPool<byte>? pool, ILogger logger)
    {
        _ownsPool = pool is not null;
        Pool = pool ?? MemoryPool<byte>.Shared;
        Logger = logger;
        AllowHalfClose = options.AllowHalfClose;
        // The server's code runs on the thread pool, whoever woke it: it may block, and our threads may not.
        Input = PipeLimits(options.MaxReadBufferSize, PipeScheduler.ThreadPool, PipeScheduler.ThreadPool);
        Output = PipeLimits(options.MaxWriteBufferSize, PipeScheduler.ThreadPool, PipeScheduler.ThreadPool);
    }

    internal MemoryPool<byte> Pool { get; }
    internal ILogger Logger { get; }
    internal bool AllowHalfClose { get; }
    internal PipeOptions Input { get; }
    internal PipeOptions Output { get; }

    private PipeOptions PipeLimits(long most, PipeScheduler reader, PipeScheduler writer) =>
        new(Pool, reader, writer, pauseWriterThreshold: most, resumeWriterThreshold: most / 2, useSynchronizationContext: false);

    public void Dispose()
    {
        if (_ownsPool) Pool.Dispose();
    }
}
