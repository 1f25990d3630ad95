using Ginnel.Wire;

namespace Ginnel.WireGuard;

/// <summary>
/// Sealed messages to one endpoint, one behind the other in a buffer that the carrier takes whole: all of one size, but the last may be
/// shorter, and of one ECN field. This is what a system call per sixty packets instead of one comes from.
/// </summary>
internal sealed class SealedBatch(int maxSegments)
{
    /// <summary>The longest datagram of UDP over IPv4; the kernel takes no more for one call either.</summary>
    private const int Capacity = 65_507;

    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(Capacity, pinned: true);
    private int _length;
    private int _count;
    private bool _isClosed;

    /// <summary>Where they go; null when there are none.</summary>
    public CarrierEndpoint? To { get; private set; }

    /// <summary>Bytes of each but the last.</summary>
    public int SegmentSize { get; private set; }

    public bool IsEmpty => _count == 0;

    /// <summary>The ECN field of all of them.</summary>
    public EcnCodepoint Ecn { get; private set; }

    /// <summary>The messages.</summary>
    public ReadOnlySpan<byte> Bytes => _buffer.AsSpan(0, _length);

    /// <summary>Whether a message of this size to this endpoint can be added.</summary>
    public bool Fits(CarrierEndpoint to, int size, EcnCodepoint ecn) =>
        _count == 0 || (!_isClosed && ecn == Ecn && _count < maxSegments && size <= SegmentSize && _length + size <= Capacity && to.Equals(To));

    /// <summary>Where the next message is to be written; it counts once it is added.</summary>
    public Span<byte> Next(int size) => _buffer.AsSpan(_length, size);

    /// <summary>Adds what was written.</summary>
    public void Add(CarrierEndpoint to, int size, EcnCodepoint ecn)
    {
        if (_count == 0) (To, SegmentSize, Ecn) = (to, size, ecn);
        // Only the last may be shorter, so a shorter one is the last.
        else if (size < SegmentSize) _isClosed = true;
        _length += size;
        _count++;
    }

    public void Clear()
    {
        (_length, _count, _isClosed) = (0, 0, false);
        To = null;
    }
}
