using System.Net;
using System.Net.Sockets;

namespace Ginnel;

/// <summary>A UDP socket of the host.</summary>
internal sealed class PortableDatagramPort : IDatagramPort
{
    private readonly Socket _socket;
    private readonly IPEndPoint _anyone;
    private readonly bool _mapped;

    internal PortableDatagramPort(Socket socket)
    {
        _socket = socket;
        LocalEndPoint = (IPEndPoint?)socket.LocalEndPoint;
        _mapped = socket.AddressFamily == AddressFamily.InterNetworkV6;
        _anyone = new IPEndPoint(_mapped ? IPAddress.IPv6Any : IPAddress.Any, 0);
    }

    public IPEndPoint? LocalEndPoint { get; }

    public async ValueTask<DatagramItem> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            try
            {
                SocketReceiveFromResult result = await _socket.ReceiveFromAsync(buffer, SocketFlags.None, _anyone, cancellationToken).ConfigureAwait(false);
                return new DatagramItem(result.ReceivedBytes, Unmap((IPEndPoint)result.RemoteEndPoint));
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.MessageSize)
            {
                // Longer than the buffer: lost, as the contract of datagrams has it.
            }
            catch (SocketException exception) when (exception.SocketErrorCode is SocketError.OperationAborted or SocketError.Interrupted or SocketError.NotSocket)
            {
                throw new ObjectDisposedException(nameof(IDatagramPort), exception);
            }
            catch (SocketException)
            {
                // An ICMP error about some earlier datagram; portable sockets do not say which. The next receive is unaffected.
            }
        }
    }

    public async ValueTask<bool> WaitAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            await _socket.ReceiveFromAsync(Memory<byte>.Empty, SocketFlags.Peek, _anyone, cancellationToken).ConfigureAwait(false);
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
        catch (SocketException)
        {
            // The receive that follows judges it.
        }
        return true;
    }

    public async ValueTask<DialFailure> SendAsync(ReadOnlyMemory<byte> payload, IPEndPoint remote, CancellationToken cancellationToken = default)
    {
        try
        {
            IPEndPoint target = _mapped && remote.AddressFamily == AddressFamily.InterNetwork ? new IPEndPoint(remote.Address.MapToIPv6(), remote.Port) : remote;
            await _socket.SendToAsync(payload, SocketFlags.None, target, cancellationToken).ConfigureAwait(false);
            return default;
        }
        catch (SocketException exception)
        {
            // A pending error of another target surfaces here as "refused" or "reset"; it is not this target's.
            return exception.SocketErrorCode is SocketError.ConnectionRefused or SocketError.ConnectionReset or SocketError.NoBufferSpaceAvailable
                ? default : DialFailures.From(exception.SocketErrorCode);
        }
    }

    public void ReportFailure(IPEndPoint remote, DialFailure failure)
    {
        // The host's peers are beyond our reach: there is nobody to tell.
    }

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        return default;
    }

    private static IPEndPoint Unmap(IPEndPoint endPoint) =>
        endPoint.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(endPoint.Address.MapToIPv4(), endPoint.Port) : endPoint;
}
