using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Ginnel.AspNetCore.Tests;

/// <summary>How connections end, at both ends, as the server's side of the transport sees it.</summary>
public sealed class ConnectionEndTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_client_that_has_said_everything_still_hears_the_answer(bool allowHalfClose)
    {
        await using TransportPair pair = await TransportPair.ConnectAsync(new NetworkHostTransportOptions { AllowHalfClose = allowHalfClose });
        await pair.Client.WriteAsync("question"u8.ToArray(), Token);
        await pair.Client.CompleteWritesAsync(Token);
        Assert.Equal("question"u8.ToArray(), await pair.ReadToEndAsync());
        if (!allowHalfClose) await pair.Closed();
        Assert.Equal(!allowHalfClose, pair.Server.ConnectionClosed.IsCancellationRequested);
        await pair.Output.WriteAsync("answer"u8.ToArray(), Token);
        await pair.Output.CompleteAsync();
        using MemoryStream heard = new();
        await pair.Client.CopyToAsync(heard, Token);
        Assert.Equal("answer"u8.ToArray(), heard.ToArray());
        await pair.Closed();
    }

    [Fact]
    public async Task A_server_that_has_said_everything_still_listens()
    {
        await using TransportPair pair = await TransportPair.ConnectAsync();
        await pair.Output.WriteAsync("banner"u8.ToArray(), Token);
        await pair.Output.CompleteAsync();
        using MemoryStream heard = new();
        await pair.Client.CopyToAsync(heard, Token);
        Assert.Equal("banner"u8.ToArray(), heard.ToArray());
        Assert.False(pair.Server.ConnectionClosed.IsCancellationRequested);
        await pair.Client.WriteAsync("thanks"u8.ToArray(), Token);
        await pair.Client.CompleteWritesAsync(Token);
        Assert.Equal("thanks"u8.ToArray(), await pair.ReadToEndAsync());
        await pair.Closed();
    }

    [Fact]
    public async Task A_reset_by_the_client_is_one_for_the_server()
    {
        await using TransportPair pair = await TransportPair.ConnectAsync();
        pair.Client.Abort();
        await Assert.ThrowsAsync<ConnectionResetException>(pair.ReadToEndAsync);
        await pair.Closed();
        FlushResult flushed = await pair.Output.WriteAsync("late"u8.ToArray(), Token);
        Assert.True(flushed.IsCompleted || !flushed.IsCanceled);
    }

    [Fact]
    public async Task A_reset_by_the_server_is_one_for_the_client()
    {
        await using TransportPair pair = await TransportPair.ConnectAsync();
        ConnectionAbortedException reason = new("enough");
        pair.Server.Abort(reason);
        pair.Server.Abort(new ConnectionAbortedException("again"));
        IOException broken = await Assert.ThrowsAsync<IOException>(async () => await pair.Client.ReadExactlyAsync(new byte[1], Token));
        Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(broken.InnerException).SocketErrorCode);
        Assert.Same(reason, await Assert.ThrowsAsync<ConnectionAbortedException>(pair.ReadToEndAsync));
        await pair.Closed();
    }

    [Fact]
    public async Task An_end_without_a_reason_is_no_reset()
    {
        await using TransportPair pair = await TransportPair.ConnectAsync();
        // Kestrel does this when a client has gone.
        pair.Server.Abort(null!);
        Assert.Equal(0, await pair.Client.ReadAsync(new byte[1], Token));
        await Assert.ThrowsAsync<ConnectionAbortedException>(pair.ReadToEndAsync);
        await pair.Closed();
    }

    [Fact]
    public async Task An_answer_that_its_writer_could_not_finish_does_not_look_whole()
    {
        await using TransportPair pair = await TransportPair.ConnectAsync();
        await pair.Output.WriteAsync("half an ans"u8.ToArray(), Token);
        byte[] buffer = new byte[32];
        Assert.Equal(11, await pair.Client.ReadAtLeastAsync(buffer, 11, cancellationToken: Token));
        await pair.Output.CompleteAsync(new InvalidOperationException("the application's own fault"));
        IOException broken = await Assert.ThrowsAsync<IOException>(async () => await pair.Client.ReadExactlyAsync(buffer, Token));
        Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(broken.InnerException).SocketErrorCode);
        await pair.Closed();
    }

    [Fact]
    public async Task The_end_is_told_once_however_many_ends_there_are()
    {
        await using TransportPair pair = await TransportPair.ConnectAsync();
        int told = 0;
        pair.Server.ConnectionClosed.Register(() => Interlocked.Increment(ref told));
        await pair.Client.CompleteWritesAsync(Token);
        await pair.Closed();
        pair.Server.Abort();
        await pair.Server.DisposeAsync();
        await pair.Server.DisposeAsync();
        Assert.Equal(1, told);
    }

    [Fact]
    public async Task What_hangs_on_the_end_harms_nobody()
    {
        await using TransportPair pair = await TransportPair.ConnectAsync();
        pair.Server.ConnectionClosed.Register(() => throw new InvalidOperationException("a listener's own fault"));
        await pair.Client.CompleteWritesAsync(Token);
        await pair.Server.DisposeAsync();
    }

    [Fact]
    public async Task Disposing_delivers_what_was_written_and_does_not_wait_for_the_client()
    {
        await using TransportPair pair = await TransportPair.ConnectAsync();
        byte[] last = new byte[48 << 10];
        await pair.Output.WriteAsync(last, Token);
        await pair.Server.DisposeAsync().AsTask().WaitAsync(Token);
        using MemoryStream heard = new();
        await pair.Client.CopyToAsync(heard, Token);
        Assert.Equal(last.Length, heard.Length);
    }

    [Fact]
    public async Task An_abort_frees_a_server_that_waits_for_room()
    {
        await using TransportPair pair = await TransportPair.ConnectAsync();
        byte[] much = new byte[16 << 20];
        ValueTask<FlushResult> writing = pair.Output.WriteAsync(much, Token);
        Assert.False(writing.IsCompleted);
        pair.Server.Abort(new ConnectionAbortedException("enough"));
        await writing;
        await pair.Closed();
    }

    [Fact]
    public async Task A_host_that_ends_ends_its_connections_and_its_listeners()
    {
        await using TransportPair pair = await TransportPair.ConnectAsync();
        await pair.Network.Server.DisposeAsync();
        Assert.Null(await pair.Listener.AcceptAsync(Token));
        await Assert.ThrowsAnyAsync<IOException>(pair.ReadToEndAsync);
        await pair.Closed();
    }

    [Fact]
    public async Task A_connection_tells_what_it_is()
    {
        await using TransportPair pair = await TransportPair.ConnectAsync();
        Assert.Equal(pair.Client.LocalEndPoint, pair.Server.Features.Get<IConnectionEndPointFeature>()!.RemoteEndPoint);
        Assert.Equal(pair.Client.RemoteEndPoint, pair.Server.LocalEndPoint);
        Assert.Equal(13, pair.Server.Features.Get<IConnectionIdFeature>()!.ConnectionId.Length);
        Assert.Same(pair.Server.Transport, pair.Server.Features.Get<IConnectionTransportFeature>()!.Transport);
        Assert.NotNull(pair.Server.Features.Get<IConnectionItemsFeature>()!.Items);
        Assert.Equal(pair.Server.ConnectionClosed, pair.Server.Features.Get<IConnectionLifetimeFeature>()!.ConnectionClosed);
        Assert.NotNull(pair.Server.Features.Get<IMemoryPoolFeature>()!.MemoryPool);
        Assert.Null(pair.Server.Features.Get<IConnectionSocketFeature>());
    }
}
