using System.Runtime.InteropServices;
using Ginnel.Linux.Events;
using Ginnel.Linux.Native;
using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel.Linux.Links;

/// <summary>
/// A link over a descriptor of the kernel's that carries one packet per read and write, each behind a virtio-net header. An event loop reads
/// it: one that it shares with the sockets its packets go to, or one of its own.
/// </summary>
public abstract unsafe partial class DescriptorLink : ILink
{
    /// <summary>Packets read before they are delivered: more gain nothing, fewer cost a lock each.</summary>
    private const int BatchLimit = 32;

    /// <summary>Bytes read before they are delivered, so that super-segments do not sit in a batch of two megabytes.</summary>
    private const int BatchBytes = 256 << 10;

    private readonly Descriptor _descriptor;
    private readonly int _linkHeaderLength;
    private readonly byte[] _scratch = GC.AllocateUninitializedArray<byte>(PacketPool.SuperCapacity + VirtioHeader.Size, pinned: true);
    private readonly DescriptorLife _life;
    // Counts turns of the loop; even while nothing is being read or delivered.
    private int _turns;

    private protected DescriptorLink(Descriptor descriptor, LinkProperties properties)
    {
        _descriptor = descriptor;
        _life = new DescriptorLife(Close, "A link runs once at a time.");
        _linkHeaderLength = properties.Medium == LinkMedium.Ethernet ? EthernetHeaderSize : 0;
        Properties = properties;
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
            if (!_life.IsRunning) return true;
            // Had the loop woken meanwhile, what it read might not be delivered yet.
            return (turn & 1) == 0 && !HasPacket() && Volatile.Read(ref _turns) == turn;
        }
    }

    /// <summary>Whether no packet has come yet, neither to the link's sink nor to the kernel's queue.</summary>
    public bool IsUnused => Volatile.Read(ref _turns) == 0 && !HasPacket() && Volatile.Read(ref _turns) == 0;

    private bool HasPacket()
    {
        Descriptors.PollFd entry = new() { Descriptor = _descriptor.Number, Events = Descriptors.PollIn };
        return Descriptors.poll(&entry, 1, 0) > 0;
    }

    /// <summary>
    /// Who reads it; set before the link runs, and outlives it. Null: a loop of its own while it runs. What follows from a packet happens on
    /// the same thread if the runtime's completions are this loop.
    /// </summary>
    public EventLoop? EventLoop { get; set; }

    internal LinkCounters Counters { get; } = new();

    /// <summary>By which packets to <c>::1</c> go instead, if they can go at all; set before the link runs, owned by the link.</summary>
    internal LoopbackDoor? Door { get; set; }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">It runs already.</exception>
    public Task RunAsync(ILinkSink sink, CancellationToken cancellationToken) => _life.Run(() => new Reader(this, sink), cancellationToken);

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
                _life.NoteFull();
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
        _life.Dispose();
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

    /// <summary>Reads until the batch is full or nothing is left.</summary>
    private void ReadBatch(ILinkSink sink, ref PacketQueue batch, ref Packet? spare)
    {
        // Reads are counted, not packets: refused ones would otherwise keep the thread here, away from a stop and from writers.
        for (int reads = 0; reads < BatchLimit && batch.Bytes < BatchBytes; reads++)
        {
            if (spare is null && sink.TryRent(PacketSize.Super, out Packet rented)) spare = rented;
            int length = spare is null ? Read(_scratch) : ReadInto(spare);
            if (length < 0) return;
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
}
