using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Ginnel.Wire;

namespace Ginnel.Interop.Differential;

/// <summary>The kernel's TCP, and an application on its sockets.</summary>
internal sealed class KernelSubject : IExchangeSubject
{
    private readonly KernelNetwork _network;
    private readonly Exchange _exchange;
    private readonly IPEndPoint _local, _peer;
    private readonly Socket? _listener;
    private Socket? _socket;
    private bool _isConnecting;
    private bool _isOver;
    private bool _isClosed;

    public KernelSubject(KernelNetwork network, Exchange exchange, IPEndPoint local, IPEndPoint peer)
    {
        (_network, _exchange, _local, _peer) = (network, exchange, local, peer);
        if (!exchange.Listens) return;
        _listener = NewSocket();
        _listener.Bind(local);
        _listener.Listen(8);
    }

    public void Inject(byte[] packet) => _network.Write(packet);

    public List<byte[]> Collect() => _network.Collect();

    public List<byte[]> Wait(TimeSpan limit)
    {
        Stopwatch waited = Stopwatch.StartNew();
        ushort port = (ushort)_peer.Port;
        IpAddress peer = IpAddress.From(_peer.Address);
        while (true)
        {
            List<byte[]> packets = _network.Collect();
            // What is left of other exchanges has timers of its own.
            packets.RemoveAll(packet => !RawPacket.TryReadTcp(packet, peer, out _, out TcpHeader header) || header.DestinationPort != port);
            if (packets.Count > 0 || waited.Elapsed > limit) return packets;
            Thread.Sleep(2);
        }
    }

    public void Connect()
    {
        if (_socket is not null) return;
        _socket = NewSocket();
        _socket.Bind(_local);
        _isConnecting = true;
        try
        {
            _socket.Connect(_peer);
        }
        catch (SocketException failure) when (failure.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
        {
        }
    }

    public string? Progress()
    {
        if (_listener is not null && _socket is null && _listener.Poll(0, SelectMode.SelectRead))
        {
            _socket = _listener.Accept();
            _socket.Blocking = false;
            return "accepted";
        }
        if (!_isConnecting || _isClosed || _socket is null || !_socket.Poll(0, SelectMode.SelectWrite)) return null;
        _isConnecting = false;
        var error = (SocketError)(int)_socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!;
        if (error != SocketError.Success) _isOver = true;
        return error == SocketError.Success ? "connected" : $"connecting failed: {Name(error)}";
    }

    public string Write(ReadOnlySpan<byte> octets)
    {
        if (_socket is null || _isConnecting) return "not connected";
        if (_isOver) return "over";
        int written = 0;
        while (written < octets.Length)
        {
            int count = _socket.Send(octets[written..], SocketFlags.None, out SocketError error);
            if (error == SocketError.WouldBlock) break;
            if (error != SocketError.Success) return Failed(error);
            written += count;
        }
        return written == octets.Length ? "ok" : $"{written} octets";
    }

    public string Read(int most, List<byte> octets)
    {
        if (_socket is null || _isConnecting) return "not connected";
        if (_isOver) return "over";
        byte[] buffer = new byte[65_536];
        while (most > 0)
        {
            int count = _socket.Receive(buffer.AsSpan(0, Math.Min(most, buffer.Length)), SocketFlags.None, out SocketError error);
            if (error == SocketError.WouldBlock) return "";
            if (error != SocketError.Success) return Failed(error);
            if (count == 0) return "eof";
            octets.AddRange(buffer.AsSpan(0, count));
            most -= count;
        }
        return "";
    }

    public void Shutdown()
    {
        if (_socket is null || _isConnecting || _isClosed) return;
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException failure) when (failure.SocketErrorCode == SocketError.NotConnected)
        {
        }
    }

    public void Close() => Drop(abort: false);

    public void Abort() => Drop(abort: true);

    public void Dispose()
    {
        Drop(abort: true);
        _listener?.Dispose();
    }

    private void Drop(bool abort)
    {
        if (_socket is null || _isClosed) return;
        if (abort) _socket.LingerState = new LingerOption(true, 0);
        _socket.Dispose();
        _isOver = _isClosed = true;
        _isConnecting = false;
    }

    // The kernel tells an error once, and then behaves as if the stream had ended: what comes later is no news.
    private string Failed(SocketError error)
    {
        if (error != SocketError.Shutdown) _isOver = true;
        return Name(error);
    }

    private static string Name(SocketError error) => error switch
    {
        SocketError.ConnectionReset => "reset",
        SocketError.ConnectionRefused => "refused",
        SocketError.TimedOut => "timed out",
        SocketError.Shutdown => "broken",
        SocketError.NotConnected => "not connected",
        _ => error.ToString(),
    };

    private Socket NewSocket()
    {
        AddressFamily family = _exchange.IsV6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;
        Socket socket = new(family, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        // Urgent octets stay where they are in the stream (RFC 6093).
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.OutOfBandInline, true);
        socket.NoDelay = !_exchange.Nagle;
        return socket;
    }
}
