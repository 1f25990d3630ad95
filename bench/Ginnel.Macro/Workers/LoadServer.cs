using System.Net;
using System.Net.Sockets;

namespace Ginnel.Macro.Workers;

/// <summary>
/// The far end of every measurement, as a rule on the host's loopback. The first byte of a connection says what it is for, so that one port,
/// and one rule in each peer, is enough.
/// </summary>
internal sealed class LoadServer : IDisposable
{
    internal const byte Sink = (byte)'U';
    internal const byte Source = (byte)'D';
    internal const byte Echo = (byte)'E';
    internal const byte Hold = (byte)'H';
    internal const int BlockSize = 128 << 10;

    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly Socket _datagrams = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);

    /// <param name="port">A port on all addresses; 0 for one of loopback's.</param>
    internal LoadServer(int port = 0)
    {
        if (CongestionChoice.IsPossible) CongestionChoice.Apply(_listener);
        _listener.Bind(new IPEndPoint(port == 0 ? IPAddress.Loopback : IPAddress.Any, port));
        _listener.Listen(4096);
        _datagrams.ReceiveBufferSize = 4 << 20;
        _datagrams.Bind(_listener.LocalEndPoint!);
        Start(AcceptAll);
        Start(Return);
    }

    internal int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    public void Dispose()
    {
        _listener.Dispose();
        _datagrams.Dispose();
    }

    /// <summary>Sends each datagram back, with the bit set that makes an answer of a DNS query.</summary>
    private void Return()
    {
        byte[] buffer = new byte[2048];
        SocketAddress from = new(AddressFamily.InterNetwork);
        try
        {
            while (true)
            {
                int length = _datagrams.ReceiveFrom(buffer, SocketFlags.None, from);
                if (length > 2) buffer[2] |= 0x80;
                _datagrams.SendTo(buffer.AsSpan(0, length), SocketFlags.None, from);
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException) { }
    }

    private void AcceptAll()
    {
        while (true)
        {
            Socket client;
            try { client = _listener.Accept(); }
            catch (Exception error) when (error is SocketException or ObjectDisposedException) { return; }
            _ = ServeAsync(client);
        }
    }

    // Short and idle connections share the pool; bulk ones get a thread and blocking calls, which cost the least.
    private static async Task ServeAsync(Socket client)
    {
        client.NoDelay = true;
        byte[] one = new byte[1];
        try
        {
            if (await client.ReceiveAsync(one) == 0) { client.Dispose(); return; }
            switch (one[0])
            {
                case Sink: Start(() => Drain(client)); return;
                case Source: Start(() => Pour(client)); return;
                case Echo: Start(() => Answer(client)); return;
                default: await HoldAsync(client, one); return;
            }
        }
        catch (SocketException) { client.Dispose(); }
    }

    private static void Drain(Socket client) => Until(client, buffer => client.Receive(buffer) > 0);

    private static void Pour(Socket client) => Until(client, buffer => client.Send(buffer) > 0);

    private static void Answer(Socket client) => Until(client, buffer =>
    {
        int count = client.Receive(buffer);
        if (count > 0) client.Send(buffer.AsSpan(0, count));
        return count > 0;
    });

    private static async Task HoldAsync(Socket client, byte[] one)
    {
        using (client)
        {
            while (await client.ReceiveAsync(one) > 0) await client.SendAsync(one);
        }
    }

    private static void Until(Socket client, Func<byte[], bool> step)
    {
        byte[] buffer = new byte[BlockSize];
        try
        {
            while (step(buffer)) { }
        }
        catch (SocketException) { }
        client.Dispose();
    }

    private static void Start(Action body) => new Thread(() => body(), 256 << 10) { IsBackground = true }.Start();
}
