using System.Runtime.InteropServices;
using Ginnel.Linux.Native;
using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel.Linux.Links;

/// <summary>
/// A link over a descriptor of the kernel's that carries one packet per read and write, each behind a virtio-net header. Reads in a
/// blocking loop on a thread of its own: half the CPU per packet of an asynchronous one.
/// </summary>
public abstract unsafe class DescriptorLink : ILink
{
    /// <summary>Packets read before they are delivered: more gain nothing, fewer cost a lock each.</summary>
    private const int BatchLimit = 32;

    /// <summary>Bytes read before they are delivered, so that super-segments do not sit in a batch of two megabytes.</summary>
    private const int BatchBytes = 256 << 10;

    private readonly Descriptor _descriptor;
    private readonly Descriptor _wake;
    private readonly int _linkHeaderLength;
    private readonly byte[] _scratch = GC.AllocateUninitializedArray<byte>(PacketPool.SuperCapacity + VirtioHeader.Size, pinned: true);
    private int _waitsForRoom;
    private int _stopping;
    private int _running;
    // Counts turns of the loop; even while it sleeps until there is something to read.
    private int _turns = 1;

    private protected DescriptorLink(Descriptor descriptor, LinkProperties properties)
    {
        _descriptor = descriptor;
        _linkHeaderLength = properties.Medium == LinkMedium.Ethernet ? EthernetHeaderSize : 0;
        Properties = properties;
        int wake = Descriptors.eventfd(0, Descriptors.NonBlock | Descriptors.CloseOnExec);
        if (wake < 0) throw LinuxException.Last("eventfd");
        _wake = new Descriptor(wake);
    }

    private const int EthernetHeaderSize = 14;

    /// <inheritdoc/>
    public LinkProperties Properties { get; }

    /// <summary>
    /// Whether every packet that the kernel had for us at the time of the call was delivered; true as well when the link does not run.
    /// </summary>
    public bool IsQuiet
    {
        get
        {
            int turn = Volatile.Read(ref _turns);
            if (Volatile.Read(ref _running) == 0) return true;
            if ((turn & 1) != 0) return false;
            Descriptors.PollFd entry = new() { Descriptor = _descriptor.Number, Events = Descriptors.PollIn };
            // Had the loop woken meanwhile, what it read might not be delivered yet.
            return Descriptors.poll(&entry, 1, 0) <= 0 && Volatile.Read(ref _turns) == turn;
        }
    }

    internal LinkCounters Counters { get; } = new();

    /// <summary>By which packets to <c>::1</c> go instead, if they can go at all; set before the link runs, owned by the link.</summary>
    internal LoopbackDoor? Door { get; set; }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">It runs already.</exception>
    public Task RunAsync(ILinkSink sink, CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _running, 1) != 0) throw new InvalidOperationException("A link runs once at a time.");
        TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() => Run(sink, ended, cancellationToken)) { IsBackground = true, Name = "link " + GetType().Name }.Start();
        return ended.Task;
    }

    /// <inheritdoc/>
    public int Send(ref PacketQueue queue)
    {
        int taken = 0;
        while (queue.Peek() is { } packet)
        {
            if (Door is { } door && LoopbackDoor.Takes(packet, _linkHeaderLength))
            {
                SendBy(door, queue.Take()!);
                taken++;
                continue;
            }
            if (!OffloadCodec.TrySend(packet, _linkHeaderLength, Properties.Offloads, out VirtioHeader header))
            {
                queue.Take()!.Return();
                Counters.CountBadHeader();
                taken++;
                continue;
            }
            if (!TryWrite(packet, header))
            {
                Volatile.Write(ref _waitsForRoom, 1);
                Wake();
                return taken;
            }
            queue.Take()!.Return();
            taken++;
        }
        return taken;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _stopping, 1) == 0)
        {
            // A running loop closes the descriptors itself: closed under its feet, their numbers could already be someone else's.
            if (Interlocked.CompareExchange(ref _running, 1, 0) == 0) Close();
            else Wake();
        }
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    private void SendBy(LoopbackDoor door, Packet packet)
    {
        int header = LoopbackDoor.Frame(packet, _linkHeaderLength);
        if (!OffloadCodec.TrySend(packet, header, Properties.Offloads, out VirtioHeader virtio)) Counters.CountBadHeader();
        else if (door.TryWrite(packet, virtio)) Counters.CountSent();
        else Counters.CountRefused();
        packet.Return();
    }

    /// <summary>Closes what the link holds; for a device this is its end.</summary>
    private protected virtual void Close()
    {
        _descriptor.Dispose();
        Door?.Dispose();
        _wake.Dispose();
    }

    /// <summary>False when there is no room; everything else that goes wrong loses the packet, as networks do.</summary>
    private bool TryWrite(Packet packet, in VirtioHeader header)
    {
        Span<byte> bytes = packet.Span;
        byte* head = stackalloc byte[VirtioHeader.Size];
        header.Write(new Span<byte>(head, VirtioHeader.Size));
        fixed (byte* first = bytes)
        {
            Descriptors.IoVector* vectors = stackalloc Descriptors.IoVector[2];
            vectors[0] = new Descriptors.IoVector { Base = head, Length = VirtioHeader.Size };
            vectors[1] = new Descriptors.IoVector { Base = first, Length = (nuint)bytes.Length };
            while (Descriptors.writev(_descriptor.Number, vectors, 2) < 0)
            {
                int error = Marshal.GetLastPInvokeError();
                if (error == Errno.Interrupted) continue;
                if (error is Errno.Again) return false;
                Counters.CountRefused();
                return true;
            }
        }
        Counters.CountSent();
        return true;
    }

    private void Run(ILinkSink sink, TaskCompletionSource ended, CancellationToken cancellationToken)
    {
        Exception? failure = null;
        try
        {
            using (cancellationToken.UnsafeRegister(static link => ((DescriptorLink)link!).Wake(), this))
            {
                Loop(sink, cancellationToken);
            }
        }
        catch (Exception caught)
        {
            failure = caught;
        }
        Volatile.Write(ref _running, 0);
        // Disposed while it ran, or at this very moment: whoever takes the flag closes.
        if (Volatile.Read(ref _stopping) != 0 && Interlocked.CompareExchange(ref _running, 1, 0) == 0) Close();
        if (failure is null) ended.SetResult();
        else ended.SetException(failure);
    }

    private void Loop(ILinkSink sink, CancellationToken cancellationToken)
    {
        Packet? spare = null;
        PacketQueue batch = default;
        try
        {
            while (Volatile.Read(ref _stopping) == 0 && !cancellationToken.IsCancellationRequested)
            {
                bool isDrained = ReadBatch(sink, ref batch, ref spare);
                if (!batch.IsEmpty)
                {
                    Counters.CountReceived(batch.Count);
                    sink.Deliver(ref batch);
                    batch = default;
                }
                if (isDrained || Volatile.Read(ref _waitsForRoom) != 0) Await(sink);
            }
        }
        finally
        {
            // Also when a read fails because the device is gone: what was read before it must not be lost to the pool.
            batch.ReturnAll();
            spare?.Return();
        }
    }

    /// <summary>Waits until there is something to read, or room to write if somebody waits for it, or a wake.</summary>
    private void Await(ILinkSink sink)
    {
        Descriptors.PollFd* entries = stackalloc Descriptors.PollFd[2];
        short events = (short)(Descriptors.PollIn | (Volatile.Read(ref _waitsForRoom) != 0 ? Descriptors.PollOut : 0));
        entries[0] = new Descriptors.PollFd { Descriptor = _descriptor.Number, Events = events };
        entries[1] = new Descriptors.PollFd { Descriptor = _wake.Number, Events = Descriptors.PollIn };
        Interlocked.Increment(ref _turns);
        int ready = Descriptors.poll(entries, 2, -1);
        Interlocked.Increment(ref _turns);
        if (ready < 0) return;
        if (entries[1].Returned != 0) ClearWake();
        if ((entries[0].Returned & (Descriptors.PollErr | Descriptors.PollHangUp | Descriptors.PollInvalid)) != 0) CheckDevice();
        if ((entries[0].Returned & Descriptors.PollOut) != 0 && Interlocked.Exchange(ref _waitsForRoom, 0) != 0) sink.Writable();
    }

    /// <summary>Reads until the batch is full (false) or nothing is left (true).</summary>
    private bool ReadBatch(ILinkSink sink, ref PacketQueue batch, ref Packet? spare)
    {
        // Reads are counted, not packets: refused ones would otherwise keep the thread here, away from a stop and from writers.
        for (int reads = 0; reads < BatchLimit && batch.Bytes < BatchBytes; reads++)
        {
            if (spare is null && sink.TryRent(PacketSize.Super, out Packet rented)) spare = rented;
            int length = spare is null ? Read(_scratch) : ReadInto(spare);
            if (length < 0) return true;
            Packet? packet = spare is null ? CopyScratch(sink, length, out VirtioHeader header) : TakeSpare(sink, ref spare, out header);
            if (packet is null) continue;
            if (packet.Length < _linkHeaderLength || OffloadCodec.Receive(header, packet, _linkHeaderLength) != DropReason.None)
            {
                Counters.CountBadHeader();
                packet.Return();
                continue;
            }
            batch.Add(packet);
        }
        return false;
    }

    private int ReadInto(Packet packet)
    {
        packet.Reset();
        packet.Prepend(VirtioHeader.Size);
        packet.Append(PacketPool.SuperCapacity);
        int length = Read(packet.Span);
        packet.Truncate(Math.Max(length, 0));
        return length;
    }

    /// <summary>A big packet goes as it is; a small one is copied, which costs less than a fresh slab of 64 KiB.</summary>
    private Packet? TakeSpare(ILinkSink sink, ref Packet? spare, out VirtioHeader header)
    {
        Packet read = spare!;
        header = VirtioHeader.Read(read.Span);
        read.TrimStart(VirtioHeader.Size);
        if (read.Length > PacketPool.SmallCapacity || !sink.TryRent(PacketSize.Small, out Packet small))
        {
            spare = null;
            return read;
        }
        small.Write(read.Span);
        return small;
    }

    private Packet? CopyScratch(ILinkSink sink, int length, out VirtioHeader header)
    {
        ReadOnlySpan<byte> bytes = _scratch.AsSpan(0, length);
        header = VirtioHeader.Read(bytes);
        bytes = bytes[VirtioHeader.Size..];
        if (sink.TryRent(PacketPool.SizeFor(bytes.Length), out Packet packet))
        {
            packet.Write(bytes);
            return packet;
        }
        Counters.CountOutOfBuffers();
        return null;
    }

    /// <summary>Bytes of header and packet, or -1 when nothing is there.</summary>
    private int Read(Span<byte> buffer)
    {
        fixed (byte* first = buffer)
        {
            while (true)
            {
                nint length = Descriptors.read(_descriptor.Number, first, (nuint)buffer.Length);
                if (length >= VirtioHeader.Size) return (int)length;
                if (length >= 0) continue;
                int error = Marshal.GetLastPInvokeError();
                if (error is Errno.Again) return -1;
                // A device that is down says so once; it may come up again.
                if (error is Errno.Interrupted or Errno.NetworkDown) continue;
                throw new LinuxException("read", error, GetType().Name);
            }
        }
    }

    /// <summary>A descriptor that reports an error without anything to read is a device that is gone: end instead of spinning.</summary>
    private void CheckDevice()
    {
        byte* probe = stackalloc byte[1];
        if (Descriptors.read(_descriptor.Number, probe, 0) < 0)
        {
            int error = Marshal.GetLastPInvokeError();
            if (error is not (Errno.Again or Errno.Interrupted or Errno.NetworkDown or Errno.Invalid))
                throw new LinuxException("poll", error, GetType().Name);
        }
    }

    private void Wake()
    {
        ulong one = 1;
        _ = Descriptors.write(_wake.Number, &one, sizeof(ulong));
    }

    private void ClearWake()
    {
        ulong value;
        _ = Descriptors.read(_wake.Number, &value, sizeof(ulong));
    }
}
