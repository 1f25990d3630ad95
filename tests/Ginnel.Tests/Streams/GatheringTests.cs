using System.Buffers;
using System.Security.Cryptography;

namespace Ginnel.Tests;

/// <summary>Writing buffers that lie in several places as one.</summary>
public sealed class GatheringTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(1, 2)]
    [InlineData(4_096, 16)]
    [InlineData(4_095, 1_025)]
    [InlineData(1 << 20, 5)]
    public async Task Every_byte_arrives_in_its_place(int size, int parts)
    {
        await using TestNetwork network = new();
        (TcpStream client, TcpStream server) = await network.ConnectAsync();
        byte[] sent = RandomNumberGenerator.GetBytes(size * parts);
        // An empty part in the middle is nothing.
        ReadOnlySequence<byte> buffers = Sequence([.. sent.Chunk(Math.Max(1, size)).Take(parts / 2), [], .. sent.Chunk(Math.Max(1, size)).Skip(parts / 2)]);
        Task writing = Task.Run(async () =>
        {
            await client.WriteAsync(buffers, Token);
            await client.CompleteWritesAsync(Token);
        }, Token);
        using MemoryStream received = new();
        await server.CopyToAsync(received, Token);
        await writing;
        Assert.Equal(SHA256.HashData(sent), SHA256.HashData(received.ToArray()));
    }

    [Fact]
    public async Task The_parts_leave_in_one_packet()
    {
        await using TestNetwork network = new();
        (TcpStream client, TcpStream server) = await network.ConnectAsync();
        long before = network.Client.Snapshot().PacketsSent;
        await client.WriteAsync(Sequence([.. Enumerable.Range(0, 40).Select(_ => new byte[100])]), Token);
        await server.ReadExactlyAsync(new byte[4_000], Token);
        Assert.Equal(1, network.Client.Snapshot().PacketsSent - before);
    }

    [Fact]
    public async Task A_write_that_waits_can_be_cancelled_and_another_beside_it_is_refused()
    {
        await using TestNetwork network = new();
        (TcpStream client, TcpStream _) = await network.ConnectAsync();
        using CancellationTokenSource cancel = new();
        Task writing = client.WriteAsync(Sequence([.. Enumerable.Range(0, 64).Select(_ => new byte[1 << 18])]), cancel.Token).AsTask();
        Assert.False(writing.IsCompleted);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await client.WriteAsync(Sequence([[1], [2]]), Token));
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing);
        client.Abort();
        await Assert.ThrowsAsync<IOException>(async () => await client.WriteAsync(Sequence([[1], [2]]), Token));
        client.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await client.WriteAsync(Sequence([[1], [2]]), Token));
    }

    private static ReadOnlySequence<byte> Sequence(byte[][] parts)
    {
        Part first = new(parts[0], 0), last = first;
        foreach (byte[] part in parts.Skip(1)) last = last.Append(part);
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Part : ReadOnlySequenceSegment<byte>
    {
        internal Part(byte[] bytes, long index) => (Memory, RunningIndex) = (bytes, index);

        internal Part Append(byte[] bytes)
        {
            Part next = new(bytes, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
