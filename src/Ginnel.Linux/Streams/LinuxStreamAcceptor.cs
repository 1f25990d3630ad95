using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Ginnel.Linux.Events;
using Ginnel.Linux.Native;

namespace Ginnel.Linux.Streams;

/// <summary>Takes connections on an event loop: one system call for each, and what follows goes on right there.</summary>
internal sealed class LinuxStreamAcceptor : IHostStreamAcceptor
{
    private readonly EventLoop _loop;
    private readonly Socket _listening;
    private readonly Descriptor _socket;
    private readonly bool _isTcp;
    private readonly Readiness _readable;
    private readonly ReadinessWatch _watch;
    private int _closed;

    private LinuxStreamAcceptor(EventLoop loop, Socket listening, Descriptor socket)
    {
        (_loop, _listening, _socket) = (loop, listening, socket);
        _isTcp = listening.ProtocolType == ProtocolType.Tcp;
        _readable = new Readiness(loop);
        _watch = new ReadinessWatch(_readable);
        loop.Add(socket, Polling.In | Polling.EdgeTriggered, _watch);
    }

    /// <summary>An acceptor with a descriptor of its own for a listening socket.</summary>
    /// <exception cref="LinuxException">No descriptor is left, or no room for a watch.</exception>
    internal static LinuxStreamAcceptor Of(EventLoop loop, Socket listening)
    {
        int number = Descriptors.fcntl((int)listening.Handle, Descriptors.DuplicateCloseOnExec, 0);
        if (number < 0) throw LinuxException.Last("fcntl", "F_DUPFD_CLOEXEC");
        Descriptor descriptor = new(number);
        try
        {
            descriptor.SetNonBlocking();
            return new LinuxStreamAcceptor(loop, listening, descriptor);
        }
        catch
        {
            descriptor.Dispose();
            throw;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<HostStream> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            _readable.Forget();
            Descriptor? taken = Take(out IPEndPoint? remote, out int error);
            if (taken is null && error == Errno.Again)
            {
                await _readable.WaitAsync(cancellationToken).ConfigureAwait(false);
                continue;
            }
            // There may be more, also after one that could not be taken.
            _readable.Signal();
            if (taken is not null) return Adopt(taken, remote);
            if (error != Errno.Interrupted) throw new SocketException((int)SocketErrors.Of(error));
        }
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _closed, 1) != 0) return;
        _loop.Remove(_socket, _watch);
        _socket.Dispose();
        _listening.Dispose();
        _readable.Close();
    }

    private Descriptor? Take(out IPEndPoint? remote, out int error)
    {
        bool isHeld = false;
        try
        {
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _closed) != 0, this);
            _socket.DangerousAddRef(ref isHeld);
            return StreamCalls.Accept(_socket.Number, _isTcp, out remote, out error);
        }
        finally
        {
            if (isHeld) _socket.DangerousRelease();
        }
    }

    private LinuxStream Adopt(Descriptor taken, IPEndPoint? remote)
    {
        try
        {
            return new LinuxStream(_loop, taken, remote, sendsAtOnce: true, _isTcp);
        }
        catch
        {
            taken.Dispose();
            throw;
        }
    }
}
