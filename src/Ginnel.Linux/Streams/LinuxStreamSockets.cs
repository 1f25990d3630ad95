using System.Net;
using System.Net.Sockets;
using Ginnel.Linux.Datagrams;
using Ginnel.Linux.Events;

namespace Ginnel.Linux.Streams;

/// <summary>TCP connections of the host on an event loop: non-blocking descriptors, read and written in pieces where the bytes lie.</summary>
/// <param name="loop">Who watches them; outlives them.</param>
public sealed class LinuxStreamSockets(EventLoop loop) : IHostStreamSockets
{
    /// <inheritdoc/>
    public async ValueTask<DialResult> ConnectAsync(IPEndPoint target, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        cancellationToken.ThrowIfCancellationRequested();
        Descriptor? socket = StreamCalls.Open(target.AddressFamily == AddressFamily.InterNetworkV6, out int error);
        if (socket is null) return DialResult.Failed(HostErrors.MapBind(error));
        error = StreamCalls.Connect(socket.Number, target);
        if (error is not (0 or Errno.InProgress)) return Fail(socket, error);
        LinuxStream stream;
        try
        {
            // Only now: a socket that is not being connected reports a hang-up.
            stream = new LinuxStream(loop, socket, target, sendsAtOnce: false, isTcp: true);
        }
        catch (LinuxException failure)
        {
            socket.Dispose();
            return DialResult.Failed(HostErrors.MapBind(failure.ErrorNumber));
        }
        if (error == 0) return DialResult.Connected(stream);
        try
        {
            await stream.WaitWritableAsync(cancellationToken).ConfigureAwait(false);
            error = stream.TakeConnectError();
            if (error == 0) return DialResult.Connected(stream);
        }
        catch
        {
            stream.Abort();
            throw;
        }
        stream.Abort();
        return DialResult.Failed(HostErrors.Map(error));
    }

    /// <inheritdoc/>
    public IHostStreamAcceptor Listen(Socket listening)
    {
        ArgumentNullException.ThrowIfNull(listening);
        return LinuxStreamAcceptor.Of(loop, listening);
    }

    private static DialResult Fail(Descriptor socket, int error)
    {
        socket.Dispose();
        return DialResult.Failed(HostErrors.Map(error));
    }
}
