using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Ginnel.Macro.Workers;

/// <summary>Datagrams there and back: so many are under way, and each answer lets the next one go.</summary>
internal static class DatagramLoad
{
    private const int Patience = 200;

    // A query for the address of "ginnel.example", padded to 64 bytes by what looks like an option; the server answers anything.
    private static ReadOnlySpan<byte> Query => "\0\0\x01\0\0\x01\0\0\0\0\0\0\x06ginnel\x07example\0\0\x01\0\x01"u8;

    /// <summary>For so many seconds; prints answers per second and the share of what was sent that was not answered in time.</summary>
    /// <param name="ownSockets">Whether each query has a socket, and so a port, of its own, as a resolver library's have.</param>
    internal static string Run(IPEndPoint target, int underWay, int seconds, bool ownSockets)
    {
        long sent = 0, answered = 0;
        Thread[] threads = new Thread[ownSockets ? underWay / 16 : 1];
        long started = Stopwatch.GetTimestamp();
        for (int i = 0; i < threads.Length; i++)
        {
            threads[i] = new Thread(() =>
            {
                (long gone, long come) = ownSockets ? Ask(target, underWay / threads.Length, started, seconds) : Bounce(target, underWay, started, seconds);
                Interlocked.Add(ref sent, gone);
                Interlocked.Add(ref answered, come);
            });
            threads[i].Start();
        }
        foreach (Thread thread in threads) thread.Join();
        return LoadClient.Format(answered / Stopwatch.GetElapsedTime(started).TotalSeconds, 1 - (double)answered / sent);
    }

    private static (long Sent, long Answered) Bounce(IPEndPoint target, int underWay, long started, int seconds)
    {
        using Socket socket = Connect(target);
        byte[] datagram = new byte[64], answer = new byte[2048];
        long sent = 0, answered = 0, lost = 0;
        while (Stopwatch.GetElapsedTime(started).TotalSeconds < seconds)
        {
            for (; sent - answered - lost < underWay; sent++) socket.Send(datagram);
            if (TryReceive(socket, answer)) answered++;
            // After so long a silence all that is under way is lost, and must not hold up the rest.
            else lost = sent - answered;
        }
        return (sent, answered);
    }

    private static (long Sent, long Answered) Ask(IPEndPoint target, int underWay, long started, int seconds)
    {
        Queue<Socket> open = new();
        byte[] query = Query.ToArray(), answer = new byte[2048];
        long sent = 0, answered = 0;
        while (Stopwatch.GetElapsedTime(started).TotalSeconds < seconds)
        {
            for (; open.Count < underWay; sent++)
            {
                Socket socket = Connect(target);
                query[0] = (byte)(sent >> 8);
                query[1] = (byte)sent;
                socket.Send(query);
                open.Enqueue(socket);
            }
            using Socket first = open.Dequeue();
            if (TryReceive(first, answer)) answered++;
        }
        foreach (Socket socket in open) socket.Dispose();
        return (sent, answered);
    }

    private static Socket Connect(IPEndPoint target)
    {
        Socket socket = new(target.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = Patience };
        socket.Connect(target);
        return socket;
    }

    private static bool TryReceive(Socket socket, byte[] answer)
    {
        try
        {
            return socket.Receive(answer) > 0;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
