namespace Ginnel.Linux.Links;

/// <summary>What a link of the kernel's lost, and how much it carried. Each written by one thread, read by any.</summary>
internal sealed class LinkCounters
{
    private long _received, _sent, _badHeaders, _outOfBuffers, _refused;

    /// <summary>Packets delivered to the sink.</summary>
    public long Received => Volatile.Read(ref _received);

    /// <summary>Packets that the kernel took.</summary>
    public long Sent => Volatile.Read(ref _sent);

    /// <summary>Packets dropped because their virtio header contradicts them (<see cref="Wire.DropReason.BadSegmentation"/>).</summary>
    public long BadHeaders => Volatile.Read(ref _badHeaders);

    /// <summary>Packets read and dropped because the pool was at its limit (<see cref="Wire.DropReason.OutOfBuffers"/>).</summary>
    public long OutOfBuffers => Volatile.Read(ref _outOfBuffers);

    /// <summary>Packets that the kernel would not take (device down, malformed).</summary>
    public long Refused => Volatile.Read(ref _refused);

    public void CountReceived(int packets) => Volatile.Write(ref _received, _received + packets);

    public void CountSent() => Volatile.Write(ref _sent, _sent + 1);

    public void CountBadHeader() => Interlocked.Increment(ref _badHeaders);

    public void CountOutOfBuffers() => Volatile.Write(ref _outOfBuffers, _outOfBuffers + 1);

    public void CountRefused() => Volatile.Write(ref _refused, _refused + 1);
}
