using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Ginnel.AspNetCore.Tests;

/// <summary>Connections that are given out before their handshake is done: any-IP ones, or those of a listener of one's own.</summary>
public sealed class HandshakeTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_that_never_comes_to_be_holds_nobody_up_and_can_be_given_up()
    {
        (IConnectionListener listener, Stubborn slow) = await ListenAsync(new Stubborn());
        await using ConnectionContext? waiting = await listener.AcceptAsync(Token);
        Assert.Equal(slow.Flow.Source, waiting!.RemoteEndPoint);
        Assert.False(waiting.ConnectionClosed.IsCancellationRequested);
        ConnectionAbortedException reason = new("enough");
        waiting.Abort(reason);
        Assert.Same(reason, await Assert.ThrowsAsync<ConnectionAbortedException>(async () => await waiting.Transport.Input.ReadAsync(Token)));
        Assert.True(slow.WasCancelled);
        Assert.True(waiting.ConnectionClosed.IsCancellationRequested);
        // What is written to nobody is lost, and does not throw.
        await waiting.Transport.Output.WriteAsync(new byte[1 << 20], Token);
        await listener.DisposeAsync();
    }

    [Fact]
    public async Task One_whose_client_has_gone_ends_like_any_other()
    {
        (IConnectionListener listener, _) = await ListenAsync(new Stubborn { Failure = new IOException("gone") });
        await using ConnectionContext? gone = await listener.AcceptAsync(Token);
        IOException told = await Assert.ThrowsAnyAsync<IOException>(async () => await gone!.Transport.Input.ReadAsync(Token));
        Assert.Equal("gone", told.Message);
        await listener.DisposeAsync();
    }

    [Fact]
    public async Task A_listener_that_ends_by_itself_is_spoken_of()
    {
        LogLines log = new();
        await using IConnectionListener ended = await new NetworkHostTransportFactory(loggers: log).BindAsync(new ListenerEndPoint(new Single(null), "one"), Token);
        Assert.Null(await ended.AcceptAsync(Token));
        Assert.StartsWith("The listener on one has ended", Assert.Single(log.Lines));
        await ended.UnbindAsync(Token);
        Assert.Null(await ended.AcceptAsync(Token));
        Assert.Single(log.Lines);
    }

    private static async Task<(IConnectionListener, Stubborn)> ListenAsync(Stubborn pending) =>
        (await new NetworkHostTransportFactory().BindAsync(new ListenerEndPoint(new Single(pending)), Token), pending);

    /// <summary>A listener with one connection, or none.</summary>
    private sealed class Single(IPendingConnection? pending) : IListener
    {
        private IPendingConnection? _pending = pending;

        public ValueTask<IPendingConnection?> AcceptAsync(CancellationToken cancellationToken = default) => new(Interlocked.Exchange(ref _pending, null));

        public ValueTask DisposeAsync() => default;
    }

    /// <summary>A handshake that fails at once, or is never done.</summary>
    private sealed class Stubborn : IPendingConnection
    {
        internal Exception? Failure { get; init; }
        internal bool WasCancelled { get; private set; }

        public FlowInfo Flow { get; } = new() { Protocol = FlowProtocol.Tcp, Source = IPEndPoint.Parse("192.0.2.1:5"), Destination = IPEndPoint.Parse("192.0.2.2:80") };

        public CancellationToken Abandoned => CancellationToken.None;

        public async ValueTask<DuplexStream> AcceptAsync(CancellationToken cancellationToken = default)
        {
            if (Failure is not null) throw Failure;
            TaskCompletionSource<DuplexStream> never = new(TaskCreationOptions.RunContinuationsAsynchronously);
            using CancellationTokenRegistration registration = cancellationToken.Register(() =>
            {
                WasCancelled = true;
                never.TrySetCanceled(cancellationToken);
            });
            return await never.Task;
        }

        public void Reject(DialFailure reason)
        {
        }
    }
}
