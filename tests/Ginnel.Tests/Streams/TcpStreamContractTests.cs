using System.Net.Sockets;

namespace Ginnel.Tests;

/// <summary>What a NetworkStream does, a TcpStream does.</summary>
public sealed class TcpStreamContractTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_read_of_zero_bytes_completes_when_there_is_something()
    {
        await using TestNetwork network = new();
        (TcpStream client, TcpStream server) = await network.ConnectAsync();
        ValueTask<int> waiting = server.ReadAsync(Memory<byte>.Empty, Token);
        Assert.False(waiting.IsCompleted);
        await client.WriteAsync(new byte[] { 7 }, Token);
        Assert.Equal(0, await waiting);
        Assert.Equal(0, await server.ReadAsync(Memory<byte>.Empty, Token));
        Assert.Equal(7, server.ReadByte());
    }

    [Fact]
    public async Task A_cancelled_read_throws_its_token_and_leaves_the_stream_usable()
    {
        await using TestNetwork network = new();
        (TcpStream client, TcpStream server) = await network.ConnectAsync();
        for (int round = 0; round < 3; round++)
        {
            using CancellationTokenSource source = new();
            ValueTask<int> waiting = server.ReadAsync(new byte[10], source.Token);
            await source.CancelAsync();
            OperationCanceledException exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await waiting);
            Assert.Equal(source.Token, exception.CancellationToken);
        }
        await client.WriteAsync(new byte[] { 1, 2, 3 }, Token);
        byte[] buffer = new byte[10];
        Assert.Equal(3, await server.ReadAsync(buffer, Token));
    }

    [Fact]
    public async Task A_cancelled_write_throws_its_token_and_leaves_the_stream_usable()
    {
        await using TestNetwork network = new();
        (TcpStream client, TcpStream server) = await network.ConnectAsync();
        byte[] much = new byte[32 << 20];
        using CancellationTokenSource source = new();
        ValueTask waiting = client.WriteAsync(much, source.Token);
        Assert.False(waiting.IsCompleted);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await waiting);
        Task reading = server.CopyToAsync(Stream.Null, Token);
        await client.WriteAsync(new byte[1000], Token);
        await client.CompleteWritesAsync(Token);
        await reading;
    }

    [Fact]
    public async Task A_token_that_is_cancelled_already_starts_nothing()
    {
        await using TestNetwork network = new();
        (TcpStream client, TcpStream server) = await network.ConnectAsync();
        CancellationToken cancelled = new(true);
        await client.WriteAsync(new byte[1], Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await server.ReadExactlyAsync(new byte[1], cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await client.WriteAsync(new byte[1], cancelled));
        Assert.Equal(1, await server.ReadAsync(new byte[5], Token));
    }

    [Fact]
    public async Task Timeouts_of_synchronous_calls_are_the_clocks_and_say_timed_out()
    {
        await using TestNetwork network = new();
        (TcpStream client, TcpStream server) = await network.ConnectAsync();
        server.ReadTimeout = 1000;
        client.WriteTimeout = 1000;
        Task<int> reading = Task.Run(() => server.Read(new byte[1], 0, 1), Token);
        await AdvanceUntilAsync(network, reading);
        IOException exception = await Assert.ThrowsAsync<IOException>(() => reading);
        Assert.Equal(SocketError.TimedOut, Assert.IsType<SocketException>(exception.InnerException).SocketErrorCode);
        Task writing = Task.Run(() => client.Write(new byte[32 << 20]), Token);
        await AdvanceUntilAsync(network, writing);
        exception = await Assert.ThrowsAsync<IOException>(() => writing);
        Assert.Equal(SocketError.TimedOut, Assert.IsType<SocketException>(exception.InnerException).SocketErrorCode);
    }

    [Fact]
    public async Task Using_a_disposed_stream_is_an_object_disposed_exception()
    {
        await using TestNetwork network = new();
        (TcpStream client, _) = await network.ConnectAsync();
        client.Dispose();
        client.Dispose();
        Assert.False(client.CanRead || client.CanWrite);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await client.ReadExactlyAsync(new byte[1], Token));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await client.WriteAsync(new byte[1], Token));
        Assert.Throws<ObjectDisposedException>(() => client.ReadByte());
        Assert.Throws<ObjectDisposedException>(() => client.WriteByte(1));
    }

    [Fact]
    public async Task Disposing_ends_a_read_that_waits_as_a_socket_does()
    {
        await using TestNetwork network = new();
        (TcpStream client, _) = await network.ConnectAsync();
        ValueTask<int> waiting = client.ReadAsync(new byte[1], Token);
        client.Dispose();
        IOException exception = await Assert.ThrowsAsync<IOException>(async () => await waiting);
        Assert.Equal(SocketError.OperationAborted, Assert.IsType<SocketException>(exception.InnerException).SocketErrorCode);
    }

    [Fact]
    public async Task A_reset_ends_a_read_and_a_write_that_wait()
    {
        await using TestNetwork network = new();
        (TcpStream client, TcpStream server) = await network.ConnectAsync();
        ValueTask<int> reading = client.ReadAsync(new byte[1], Token);
        ValueTask writing = client.WriteAsync(new byte[32 << 20], Token);
        Assert.False(writing.IsCompleted);
        server.Abort();
        IOException read = await Assert.ThrowsAsync<IOException>(async () => await reading);
        IOException write = await Assert.ThrowsAsync<IOException>(async () => await writing);
        Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(read.InnerException).SocketErrorCode);
        Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(write.InnerException).SocketErrorCode);
        await Assert.ThrowsAsync<IOException>(async () => await client.ReadExactlyAsync(new byte[1], Token));
    }

    [Fact]
    public async Task Writing_after_half_close_fails_and_reading_goes_on()
    {
        await using TestNetwork network = new();
        (TcpStream client, TcpStream server) = await network.ConnectAsync();
        await client.CompleteWritesAsync(Token);
        await client.CompleteWritesAsync(Token);
        IOException exception = await Assert.ThrowsAsync<IOException>(async () => await client.WriteAsync(new byte[1], Token));
        Assert.Equal(SocketError.Shutdown, Assert.IsType<SocketException>(exception.InnerException).SocketErrorCode);
        await server.WriteAsync(new byte[5], Token);
        await client.ReadExactlyAsync(new byte[5], Token);
    }

    [Fact]
    public async Task A_second_read_or_write_at_the_same_time_is_refused()
    {
        await using TestNetwork network = new();
        (TcpStream client, _) = await network.ConnectAsync();
        ValueTask<int> first = client.ReadAsync(new byte[1], Token);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await client.ReadExactlyAsync(new byte[1], Token));
        client.Dispose();
        await Assert.ThrowsAsync<IOException>(async () => await first);
    }

    [Fact]
    public async Task Every_shape_of_the_calls_carries_the_same_bytes()
    {
        await using TestNetwork network = new();
        (TcpStream client, TcpStream server) = await network.ConnectAsync();
        client.Write([1, 2], 0, 2);
        client.Write(new byte[] { 3 }.AsSpan());
        client.WriteByte(4);
        await client.WriteAsync([5, 6, 7], 1, 2, Token);
        await client.WriteAsync(new byte[] { 8 }.AsMemory(), Token);
        client.EndWrite(client.BeginWrite([9], 0, 1, null, null));
        byte[] received = new byte[8];
        Assert.Equal(2, server.Read(received, 0, 2));
        Assert.Equal(1, server.Read(received.AsSpan(2, 1)));
        received[3] = (byte)server.ReadByte();
        Assert.Equal(2, await server.ReadAsync(received, 4, 2, Token));
        Assert.Equal(1, await server.ReadAsync(received.AsMemory(6, 1), Token));
        Assert.Equal(1, server.EndRead(server.BeginRead(received, 7, 1, null, null)));
        Assert.Equal(new byte[] { 1, 2, 3, 4, 6, 7, 8, 9 }, received);
        Assert.Throws<NotSupportedException>(() => client.Position);
        Assert.Throws<ArgumentOutOfRangeException>(() => client.ReadTimeout = 0);
    }

    // Time is virtual; whether the other thread waits already is not, so time goes on in steps until it has noticed.
    private static async Task AdvanceUntilAsync(TestNetwork network, Task task)
    {
        while (!task.IsCompleted)
        {
            network.Time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }
    }
}
