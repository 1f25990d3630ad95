using System.Buffers;
using System.Buffers.Binary;
using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>Which packet a fragment belongs to (RFC 791 section 3.2, RFC 8200 section 4.5, where the protocol does not count).</summary>
internal readonly record struct ReassemblyKey(InterfaceId Interface, IpAddress Source, IpAddress Destination, uint Identification,
    IpProtocol Protocol);

/// <summary>A fragment as the reassembler needs it.</summary>
internal readonly ref struct Fragment
{
    internal required ReassemblyKey Key { get; init; }

    /// <summary>Everything in front of the payload that the whole packet has too: without IPv6's fragment header.</summary>
    internal required ReadOnlySpan<byte> Header { get; init; }

    /// <summary>IPv6: where in the header the protocol of the whole packet goes.</summary>
    internal int NextHeaderAt { get; init; }

    internal required IpProtocol Protocol { get; init; }
    internal required int Offset { get; init; }
    internal required bool HasMore { get; init; }
    internal required EcnCodepoint Ecn { get; init; }
    internal required bool IsForOwnAddress { get; init; }
    internal required ReadOnlySpan<byte> Payload { get; init; }

    /// <summary>The fragment as it came, to be quoted.</summary>
    internal required ReadOnlySpan<byte> IpBytes { get; init; }
}

/// <summary>A packet in pieces.</summary>
internal sealed class Reassembly(ReassemblyKey key, Instant deadline)
{
    /// <summary>
    /// Pieces that one packet may come in. A host would need an MTU below 100 bytes to send more; an attacker sends eight bytes at a
    /// time to make the search for overlaps expensive (FragmentSmack).
    /// </summary>
    private const int MaxPieces = 1_024;

    /// <summary>What an entry and a piece cost beside their bytes.</summary>
    internal const int EntryCost = 256, PieceCost = 64;

    private const int QuoteLength = 64;
    private Piece[] _pieces = [];
    private int _count;
    private int _received;
    private int _total = -1;
    private byte[] _header = [];
    private byte[] _quote = [];
    private int _nextHeaderAt;
    private IpProtocol _protocol;
    private bool _congestionExperienced;
    private bool _notEct;

    private readonly record struct Piece(int Offset, int Length, byte[] Bytes)
    {
        internal int End => Offset + Length;
    }

    internal ReassemblyKey Key { get; } = key;
    internal Instant Deadline { get; } = deadline;
    internal NetworkInterface? Interface;
    internal bool IsForOwnAddress;

    /// <summary>Bytes that the entry holds.</summary>
    internal int Cost { get; private set; } = EntryCost;

    /// <summary>Whether fragments overlapped: then those still to come are dropped as well (RFC 5722 section 4).</summary>
    internal bool IsPoisoned { get; private set; }

    internal bool IsComplete => !IsPoisoned && _received == _total && _header.Length > 0;

    /// <summary>The start of the first fragment, if it came: only then is a timeout reported.</summary>
    internal ReadOnlySpan<byte> FirstFragment => IsPoisoned ? default : _quote;

    internal static int CostOf(in Fragment fragment) =>
        PieceCost + fragment.Payload.Length + (fragment.Offset == 0 ? fragment.Header.Length + QuoteLength : 0);

    /// <summary>Adds a fragment. Any answer but none, or ignored for a mere duplicate, condemns the whole packet.</summary>
    internal DropReason Add(in Fragment fragment)
    {
        if (IsPoisoned) return DropReason.FragmentOverlap;
        DropReason reason = Judge(fragment, out int place);
        if (reason == DropReason.Ignored) return reason;
        if (reason != DropReason.None)
        {
            Poison();
            return reason;
        }
        if (_count == _pieces.Length) Array.Resize(ref _pieces, Math.Max(4, _count * 2));
        byte[] bytes = ArrayPool<byte>.Shared.Rent(fragment.Payload.Length);
        fragment.Payload.CopyTo(bytes);
        Array.Copy(_pieces, place, _pieces, place + 1, _count - place);
        _pieces[place] = new Piece(fragment.Offset, fragment.Payload.Length, bytes);
        _count++;
        _received += fragment.Payload.Length;
        _congestionExperienced |= fragment.Ecn == EcnCodepoint.CongestionExperienced;
        _notEct |= fragment.Ecn == EcnCodepoint.NotEct;
        if (!fragment.HasMore) _total = fragment.Offset + fragment.Payload.Length;
        Cost += CostOf(fragment);
        if (fragment.Offset == 0) KeepHeader(fragment);
        return DropReason.None;
    }

    /// <summary>Bytes of the whole packet, or −1 if header and payload together exceed what an IP packet can be.</summary>
    internal int WholeLength
    {
        get
        {
            int length = _header.Length + _total;
            int most = Key.Source.IsV4 ? IpV4Header.MaximumTotalLength : IpV6Header.Size + ushort.MaxValue;
            return length > most ? -1 : length;
        }
    }

    /// <summary>
    /// Whether one piece was marked and another says that its transport understands no marks: the mark may be neither lost nor told, so the
    /// packet is dropped (RFC 3168 section 5.3).
    /// </summary>
    internal bool IsEcnContradictory => _congestionExperienced && _notEct;

    /// <summary>Writes the whole packet, which must be complete.</summary>
    internal void Write(Span<byte> destination)
    {
        _header.CopyTo(destination);
        foreach (Piece piece in _pieces.AsSpan(0, _count))
            piece.Bytes.AsSpan(0, piece.Length).CopyTo(destination[(_header.Length + piece.Offset)..]);
        if (Key.Source.IsV4)
        {
            BinaryPrimitives.WriteUInt16BigEndian(destination[2..], (ushort)(_header.Length + _total));
            BinaryPrimitives.WriteUInt16BigEndian(destination[6..], 0);
            if (_congestionExperienced) destination[1] |= 3;
            destination[10] = destination[11] = 0;
            BinaryPrimitives.WriteUInt16BigEndian(destination[10..], Checksum.Compute(destination[.._header.Length]));
            return;
        }
        BinaryPrimitives.WriteUInt16BigEndian(destination[4..], (ushort)(_header.Length - IpV6Header.Size + _total));
        destination[_nextHeaderAt] = (byte)_protocol;
        // One fragment that met congestion speaks for the packet (RFC 3168 section 5.3).
        if (_congestionExperienced) destination[1] |= 0x30;
    }

    /// <summary>Gives the pieces back; the entry stays to catch what still comes.</summary>
    internal void Poison()
    {
        Release();
        IsPoisoned = true;
    }

    internal void Release()
    {
        for (int i = 0; i < _count; i++) ArrayPool<byte>.Shared.Return(_pieces[i].Bytes);
        (_pieces, _count, _header, _quote) = ([], 0, [], []);
        Cost = EntryCost;
    }

    private DropReason Judge(in Fragment fragment, out int place)
    {
        int end = fragment.Offset + fragment.Payload.Length;
        place = FindPlace(fragment.Offset);
        if (place < _count && IsDuplicate(_pieces[place], fragment)) return DropReason.Ignored;
        if (place > 0 && _pieces[place - 1].End > fragment.Offset) return DropReason.FragmentOverlap;
        if (place < _count && _pieces[place].Offset < end) return DropReason.FragmentOverlap;
        // Two ends, or bytes behind the end.
        if (_total >= 0 && (!fragment.HasMore || end > _total)) return DropReason.BadFragment;
        if (!fragment.HasMore && _count > 0 && _pieces[_count - 1].End > end) return DropReason.BadFragment;
        return _count == MaxPieces ? DropReason.BadFragment : DropReason.None;
    }

    /// <summary>The index of the first piece that does not begin before the offset. Fragments mostly come in order.</summary>
    private int FindPlace(int offset)
    {
        if (_count == 0 || _pieces[_count - 1].Offset < offset) return _count;
        int low = 0, high = _count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_pieces[middle].Offset < offset) low = middle + 1; else high = middle;
        }
        return low;
    }

    // A fragment that the network duplicated is no attack (RFC 8200 section 4.5).
    private static bool IsDuplicate(Piece piece, in Fragment fragment) =>
        piece.Offset == fragment.Offset && fragment.Payload.SequenceEqual(piece.Bytes.AsSpan(0, piece.Length));

    private void KeepHeader(in Fragment fragment)
    {
        _header = fragment.Header.ToArray();
        _quote = fragment.IpBytes[..Math.Min(fragment.IpBytes.Length, QuoteLength)].ToArray();
        _nextHeaderAt = fragment.NextHeaderAt;
        _protocol = fragment.Protocol;
    }
}
