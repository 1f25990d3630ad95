using System.Buffers;
using System.IO.Pipelines;
using Ginnel.Netstack;
using Ginnel.Tests;
using Microsoft.AspNetCore.Connections;

namespace Ginnel.AspNetCore.Tests;

/// <summary>What a connection holds: bounded by its limits when the other end is slow, nothing when it is idle.</summary>
public sealed class BufferTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_client_that_does_not_read_holds_the_server_at_its_limits()
    {
        await using TransportPair pair = await TransportPair.ConnectAsync(new NetworkHostTransportOptions { MaxWriteBufferSize = 32 << 10 });
        long written = await FillAsync(async chunk => !(await pair.Output.WriteAsync(chunk, Token)).IsCompleted);
        // The pipe, a send buffer and a receive buffer, each filled, and one chunk beyond.
        TcpOptions buffers = new();
        Assert.InRange(written, 1, (32 << 10) + buffers.SendBuffer + buffers.ReceiveBuffer + Chunk);
        // To end it politely takes as long as the client does; whoever loses patience may still reset it.
        Task ending = pair.Server.DisposeAsync().AsTask();
        Assert.False(ending.IsCompleted);
        pair.Server.Abort(new ConnectionAbortedException("enough"));
        await ending.WaitAsync(TimeSpan.FromSeconds(20), Token);
    }

    [Fact]
    public async Task A_server_that_does_not_read_holds_the_client_at_its_limits()
    {
        await using TransportPair pair = await TransportPair.ConnectAsync(new NetworkHostTransportOptions { MaxReadBufferSize = 32 << 10 });
        long written = await FillAsync(async chunk =>
        {
            await pair.Client.WriteAsync(chunk, Token);
            return true;
        });
        TcpOptions buffers = new();
        Assert.InRange(written, 1, (32 << 10) + buffers.SendBuffer + buffers.ReceiveBuffer + Chunk);
        // It goes on where it was left.
        long read = 0;
        while (read < written)
        {
            ReadResult result = await pair.Input.ReadAsync(Token);
            read += result.Buffer.Length;
            pair.Input.AdvanceTo(result.Buffer.End);
        }
    }

    [Fact]
    public async Task An_idle_connection_holds_no_buffer()
    {
        CountingPools pools = new();
        await using (TransportPair pair = await TransportPair.ConnectAsync(pools: pools))
        {
            for (int i = 0; i < 3; i++)
            {
                await pair.Client.WriteAsync(new byte[10_000], Token);
                for (long read = 0; read < 10_000;)
                {
                    ReadResult result = await pair.Input.ReadAsync(Token);
                    read += result.Buffer.Length;
                    pair.Input.AdvanceTo(result.Buffer.End);
                }
                await pair.Output.WriteAsync(new byte[10_000], Token);
                await pair.Client.ReadExactlyAsync(new byte[10_000], Token);
            }
            // The sending loop gives its last block back just after the client has read what was in it.
            while (pools.Pool.Rented > 0) await Task.Yield();
            Assert.True(pools.Pool.Total > 6);
        }
        Assert.True(pools.Pool.IsDisposed);
    }

    private const int Chunk = 16 << 10;

    /// <summary>Writes until a write does not complete although everything else rests; returns how many bytes were taken before.</summary>
    private static async Task<long> FillAsync(Func<byte[], Task<bool>> write)
    {
        byte[] chunk = new byte[Chunk];
        long written = 0;
        while (written < 64 << 20)
        {
            Task<bool> writing = write(chunk);
            if (await Task.WhenAny(writing, Quiet(writing)) != writing && !writing.IsCompleted) return written;
            Assert.True(await writing);
            written += Chunk;
        }
        return written;
    }

    // Time of the network stands still: whatever is going to happen is on the thread pool already.
    private static async Task Quiet(Task writing)
    {
        for (int i = 0; i < 2_000 && !writing.IsCompleted; i++)
        {
            while (ThreadPool.PendingWorkItemCount > 0 && !writing.IsCompleted) await Task.Yield();
            await Task.Yield();
        }
    }

    private sealed class CountingPools : IMemoryPoolFactory<byte>
    {
        internal CountingPool Pool { get; } = new();

        public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => Pool;
    }

    private sealed class CountingPool : MemoryPool<byte>
    {
        private int _rented;
        private int _total;

        internal int Rented => Volatile.Read(ref _rented);
        internal int Total => Volatile.Read(ref _total);
        internal bool IsDisposed { get; private set; }

        public override int MaxBufferSize => 4_096;

        public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
        {
            Interlocked.Increment(ref _rented);
            Interlocked.Increment(ref _total);
            return new Block(this);
        }

        protected override void Dispose(bool disposing) => IsDisposed = true;

        private sealed class Block(CountingPool pool) : IMemoryOwner<byte>
        {
            public Memory<byte> Memory { get; } = new byte[4_096];

            public void Dispose() => Interlocked.Decrement(ref pool._rented);
        }
    }
}
