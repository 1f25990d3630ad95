using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ginnel.Linux.Events;
using Ginnel.Linux.Native;
using NativeSockets = Ginnel.Linux.Native.Sockets;

namespace Ginnel.Linux.Datagrams;

/// <summary>
/// A socket of the host whose errors come back as items naming their target. How payloads are framed on the socket is the subclass's
/// affair. One receive and one send at a time, each from any thread.
/// </summary>
internal abstract class HostDatagramPort : IDatagramPort
{
    /// <summary>Errors of the socket itself are cleared by reading them; more than this in a row is no traffic any more.</summary>
    private const int AttemptLimit = 32;

    /// <summary>What IPv4 and UDP leave of 65,535 bytes (RFC 791, RFC 768).</summary>
    private const int LongestPayload = 65_507;

    /// <summary>A target and the kernel's form of it; replaced as a whole, for sender and receiver share it.</summary>
    private sealed record NamedTarget(byte[] Name, IPEndPoint EndPoint);

    private readonly Descriptor _socket;
    private readonly EventLoop _loop;
    private readonly Readiness _readable;
    private readonly ReadinessWatch _watch;
    private volatile NamedTarget _last = new([], new IPEndPoint(IPAddress.None, 0));
    private volatile bool _sendsRuns;
    private int _isClosed;

    protected HostDatagramPort(EventLoop loop, Descriptor socket, AddressFamily family, IPEndPoint? local, bool sendsRuns)
    {
        _sendsRuns = sendsRuns;
        _loop = loop;
        _socket = socket;
        Family = family;
        LocalEndPoint = local;
        _readable = new Readiness(loop);
        _watch = new ReadinessWatch(_readable);
        loop.Add(socket, Polling.In | Polling.EdgeTriggered, _watch);
    }

    public IPEndPoint? LocalEndPoint { get; }

    /// <summary>The socket's family.</summary>
    protected AddressFamily Family { get; }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<DatagramItem> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (TryReceive(buffer.Span, out DatagramItem item)) return item;
            await _readable.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public ValueTask<bool> WaitAsync(CancellationToken cancellationToken = default) => _readable.LookAsync(cancellationToken);

    public ValueTask ReceiveAsync(DatagramBatch batch, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled(cancellationToken);
        try
        {
            while (!batch.IsFull && TryReceive(batch.Free.Span, out DatagramItem item)) batch.Add(item);
            return default;
        }
        catch (ObjectDisposedException exception)
        {
            return ValueTask.FromException(exception);
        }
    }

    public ValueTask<DialFailure> SendAsync(ReadOnlyMemory<byte> payload, IPEndPoint remote, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(remote);
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<DialFailure>(cancellationToken);
        return new(Send(payload.Span, remote));
    }

    public ValueTask SendAsync(DatagramBatch batch, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled(cancellationToken);
        for (int i = 0; i < batch.Count;)
        {
            int end = i + 1;
            if (batch[i].Failure.Kind == DialFailureKind.None && _sendsRuns)
            {
                end = i + batch.RunFrom(i, out ReadOnlyMemory<byte> run);
                if (end > i + 1 && TrySendRun(run.Span, batch[i].Length, batch[i].Remote)) i = end;
            }
            for (; i < end; i++)
            {
                if (batch[i].Failure.Kind != DialFailureKind.None) continue;
                DialFailure failure = Send(batch.PayloadOf(i).Span, batch[i].Remote);
                if (failure.Kind != DialFailureKind.None) batch[i] = batch[i] with { Failure = failure };
            }
        }
        return default;
    }

    public void ReportFailure(IPEndPoint remote, DialFailure failure)
    {
        // The host's peers are beyond our reach: there is nobody to tell.
    }

    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isClosed, 1) == 0)
        {
            _loop.Forget(_watch);
            _socket.Dispose();
            _readable.Close();
            OnClosed();
        }
        return default;
    }

    /// <summary>Called once when the port is closed.</summary>
    protected virtual void OnClosed()
    {
    }

    /// <summary>Writes what stands before the payload on the socket.</summary>
    /// <returns>Its length, and how many of the payload's first bytes it has swallowed; a negative length refuses the payload.</returns>
    protected abstract (int Length, int Swallowed) WriteHeader(Span<byte> header, ReadOnlySpan<byte> payload);

    /// <summary>Bytes of header that a received datagram begins with, before what the caller is to see.</summary>
    protected abstract int ReceivedHeaderSize { get; }

    /// <summary>Judges a received datagram by its header and turns it into what the caller is to see.</summary>
    /// <returns>The payload's length, or -1 for a datagram that is none of ours.</returns>
    protected abstract int Accept(ReadOnlySpan<byte> header, Span<byte> payload, int length);

    /// <summary>Whether an error is about a datagram of ours, judged by what was sent.</summary>
    protected virtual bool IsOurs(ReadOnlySpan<byte> sent) => true;

    /// <summary>The endpoint as the caller knows it.</summary>
    protected virtual IPEndPoint Known(IPEndPoint remote) => remote;

    /// <summary>
    /// A socket's error of an earlier target surfaces at whatever call comes next, also at a send to somebody else: then once more.
    /// </summary>
    private DialFailure Send(ReadOnlySpan<byte> payload, IPEndPoint remote)
    {
        if (!IsOfFamily(remote)) return new DialFailure(DialFailureKind.Unsupported, "IPv6 through an IPv4 socket");
        Span<byte> header = stackalloc byte[8];
        (int length, int swallowed) = WriteHeader(header, payload);
        if (length < 0) return new DialFailure(DialFailureKind.Unsupported, "too short for an echo request");
        int error = SendOnce(header[..length], payload[swallowed..], remote);
        if (error is not (0 or Errno.Again or Errno.NoBuffers or Errno.MessageTooLong))
            error = SendOnce(header[..length], payload[swallowed..], remote);
        // Too big for the path comes as an item as well, which knows the MTU; too big for IP does not.
        return error == Errno.MessageTooLong && payload.Length <= LongestPayload ? default : HostErrors.Map(error);
    }

    /// <summary>
    /// Sends datagrams of one size in one call (udp(7), UDP_SEGMENT). False when they must go one by one: the path is too narrow for one of them, a
    /// device on the way does not segment, or the kernel knows no such thing, and the others need not be tried again.
    /// </summary>
    private bool TrySendRun(ReadOnlySpan<byte> payload, int segmentSize, IPEndPoint remote)
    {
        if (!IsOfFamily(remote)) return false;
        int error = SendOnce(default, payload, remote, segmentSize);
        if (error is Errno.Invalid or Errno.IO) _sendsRuns = false;
        else if (error is not (0 or Errno.Again or Errno.NoBuffers or Errno.MessageTooLong)) error = SendOnce(default, payload, remote, segmentSize);
        // What the buffers have no room for is lost, one or many.
        return error is 0 or Errno.Again or Errno.NoBuffers;
    }

    private bool IsOfFamily(IPEndPoint remote) => Family != AddressFamily.InterNetwork
        || remote.AddressFamily == AddressFamily.InterNetwork || remote.Address.IsIPv4MappedToIPv6;

    private unsafe int SendOnce(ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload, IPEndPoint remote, int segmentSize = 0)
    {
        byte[] name = NameOf(remote);
        bool isHeld = false;
        try
        {
            if (Volatile.Read(ref _isClosed) != 0) throw new ObjectDisposedException(nameof(IDatagramPort));
            _socket.DangerousAddRef(ref isHeld);
            fixed (byte* address = name, before = header, bytes = payload)
            {
                Descriptors.IoVector* vectors = stackalloc Descriptors.IoVector[2];
                vectors[0] = new Descriptors.IoVector { Base = before, Length = (nuint)header.Length };
                vectors[1] = new Descriptors.IoVector { Base = bytes, Length = (nuint)payload.Length };
                NativeSockets.Message message = new() { Name = address, NameLength = (uint)name.Length, Vectors = vectors, VectorCount = 2 };
                byte* control = stackalloc byte[UdpSegments.ControlSize];
                if (segmentSize > 0)
                {
                    ControlWriter writer = new(control);
                    writer.AddShort(UdpSegments.LevelUdp, UdpSegments.Option, (ushort)segmentSize);
                    message.Control = control;
                    message.ControlLength = writer.Length;
                }
                return NativeSockets.sendmsg(_socket.Number, &message, NativeSockets.MessageDontWait | NativeSockets.MessageNoSignal) >= 0
                    ? 0
                    : Marshal.GetLastPInvokeError();
            }
        }
        finally
        {
            if (isHeld) _socket.DangerousRelease();
        }
    }

    /// <summary>A source talks to the same target many times in a row.</summary>
    private byte[] NameOf(IPEndPoint remote)
    {
        NamedTarget last = _last;
        if (ReferenceEquals(remote, last.EndPoint)) return last.Name;
        Span<byte> bytes = stackalloc byte[SocketAddress.MaxSize];
        int length = SocketAddress.Write(Outgoing(remote), Family, bytes);
        _last = last = new NamedTarget(bytes[..length].ToArray(), remote);
        return last.Name;
    }

    /// <summary>The endpoint as the socket is to see it.</summary>
    protected virtual IPEndPoint Outgoing(IPEndPoint remote) => remote;

    private bool TryReceive(Span<byte> buffer, out DatagramItem item)
    {
        bool isHeld = false;
        try
        {
            if (Volatile.Read(ref _isClosed) != 0) throw new ObjectDisposedException(nameof(IDatagramPort));
            _socket.DangerousAddRef(ref isHeld);
            _readable.Forget();
            for (int attempt = 0; attempt < AttemptLimit; attempt++)
            {
                int error = ReceiveOnce(buffer, out item);
                if (error == 0 || error > 0 && TryTakeError(out item))
                {
                    // There may be more.
                    _readable.Signal();
                    return true;
                }
                if (error == Errno.Again) return false;
            }
            _readable.Signal();
            item = default;
            return false;
        }
        finally
        {
            if (isHeld) _socket.DangerousRelease();
        }
    }

    /// <returns>0: a datagram. An error number. -1: a datagram that is none of ours or did not fit.</returns>
    private unsafe int ReceiveOnce(Span<byte> buffer, out DatagramItem item)
    {
        item = default;
        byte* header = stackalloc byte[64];
        byte* name = stackalloc byte[SocketAddress.MaxSize];
        fixed (byte* bytes = buffer)
        {
            Descriptors.IoVector* vectors = stackalloc Descriptors.IoVector[2];
            vectors[0] = new Descriptors.IoVector { Base = header, Length = (nuint)ReceivedHeaderSize };
            vectors[1] = new Descriptors.IoVector { Base = bytes, Length = (nuint)buffer.Length };
            Sockets.Message message = new() { Name = name, NameLength = SocketAddress.MaxSize, Vectors = vectors, VectorCount = 2 };
            nint length = NativeSockets.recvmsg(_socket.Number, &message, NativeSockets.MessageDontWait);
            if (length < 0) return Marshal.GetLastPInvokeError();
            if (length < ReceivedHeaderSize || (message.Flags & NativeSockets.MessageTruncated) != 0) return -1;
            IPEndPoint? remote = ReadName(new ReadOnlySpan<byte>(name, (int)message.NameLength));
            int accepted = remote is null
                ? -1
                : Accept(new ReadOnlySpan<byte>(header, ReceivedHeaderSize), buffer, (int)length - ReceivedHeaderSize);
            if (accepted < 0) return -1;
            item = new DatagramItem(accepted, Known(remote!));
            return 0;
        }
    }

    /// <summary>Most answers come from whom the last datagram went to.</summary>
    private IPEndPoint? ReadName(ReadOnlySpan<byte> name)
    {
        NamedTarget last = _last;
        return name.SequenceEqual(last.Name) ? last.EndPoint : SocketAddress.Read(name);
    }

    private bool TryTakeError(out DatagramItem item)
    {
        Span<byte> sent = stackalloc byte[64];
        item = default;
        while (ErrorQueue.TryTake(_socket.Number, sent, out QueuedError error))
        {
            if (!IsOurs(sent[..Math.Min(error.PayloadLength, sent.Length)])) continue;
            item = new DatagramItem(0, Known(error.Target), error.Failure);
            return true;
        }
        return false;
    }
}
