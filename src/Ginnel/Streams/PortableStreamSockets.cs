using System.Net;
using System.Net.Sockets;

namespace Ginnel;

/// <summary>TCP by the base library's sockets.</summary>
internal sealed class PortableStreamSockets : IHostStreamSockets
{
    internal static PortableStreamSockets Shared { get; } = new();

    public async ValueTask<DialResult> ConnectAsync(IPEndPoint target, CancellationToken cancellationToken = default)
    {
        Socket? socket = null;
        try
        {
            socket = new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(target, cancellationToken).ConfigureAwait(false);
            SocketStream stream = new(socket);
            socket = null;
            return DialResult.Connected(stream);
        }
        catch (SocketException exception)
        {
            return DialResult.Failed(DialFailures.From(exception.SocketErrorCode));
        }
        finally
        {
            socket?.Dispose();
        }
    }

    public IHostStreamAcceptor Listen(Socket listening) => new Acceptor(listening);

    private sealed class Acceptor(Socket listening) : IHostStreamAcceptor
    {
        public async ValueTask<HostStream> AcceptAsync(CancellationToken cancellationToken = default)
        {
            Socket socket = await listening.AcceptAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                if (socket.ProtocolType == ProtocolType.Tcp) socket.NoDelay = true;
                return new SocketStream(socket);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }

        public void Dispose() => listening.Dispose();
    }
}
