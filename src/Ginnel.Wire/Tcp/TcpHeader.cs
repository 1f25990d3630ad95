using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Ginnel.Wire;

/// <summary>The control bits of a TCP segment (RFC 9293 section 3.1).</summary>
[Flags]
public enum TcpFlags : byte
{
    /// <summary>None.</summary>
    None = 0,
    /// <summary>No more data from the sender.</summary>
    Fin = 1,
    /// <summary>Synchronise sequence numbers.</summary>
    Syn = 2,
    /// <summary>Reset the connection.</summary>
    Rst = 4,
    /// <summary>Push.</summary>
    Psh = 8,
    /// <summary>The acknowledgment field is significant.</summary>
    Ack = 16,
    /// <summary>The urgent pointer is significant.</summary>
    Urg = 32,
    /// <summary>ECN echo (RFC 3168).</summary>
    Ece = 64,
    /// <summary>Congestion window reduced (RFC 3168).</summary>
    Cwr = 128,
}

/// <summary>One SACK block: octets received beyond a hole (RFC 2018 section 3).</summary>
/// <param name="Left">The first octet.</param>
/// <param name="Right">The octet after the last.</param>
public readonly record struct SackBlock(SequenceNumber Left, SequenceNumber Right);

/// <summary>Up to four SACK blocks, in place.</summary>
[InlineArray(4)]
public struct SackBlocks
{
    private SackBlock _first;
}

/// <summary>What a TCP header means: the fixed part and every option in use. Unknown options are skipped by their length.</summary>
public struct TcpHeader
{
    /// <summary>Bytes of the header without options.</summary>
    public const int MinimumSize = 20;

    /// <summary>Bytes of the longest header.</summary>
    public const int MaximumSize = 60;

    /// <summary>The sender's port.</summary>
    public ushort SourcePort;

    /// <summary>The receiver's port.</summary>
    public ushort DestinationPort;

    /// <summary>Sequence number of the first octet, or of the SYN.</summary>
    public SequenceNumber Sequence;

    /// <summary>Next octet that the sender expects; significant with <see cref="TcpFlags.Ack"/>.</summary>
    public SequenceNumber Acknowledgment;

    /// <summary>Control bits.</summary>
    public TcpFlags Flags;

    /// <summary>The window as it stands in the header, before scaling.</summary>
    public ushort Window;

    /// <summary>The urgent pointer; significant with <see cref="TcpFlags.Urg"/>.</summary>
    public ushort UrgentPointer;

    /// <summary>Maximum segment size option; 0 when absent.</summary>
    public ushort MaximumSegmentSize;

    /// <summary>Whether the window scale option is present (RFC 7323 section 2).</summary>
    public bool HasWindowScale;

    /// <summary>The shift of the window scale option as sent; a receiver treats more than 14 as 14.</summary>
    public byte WindowScale;

    /// <summary>Whether <see cref="Write"/> puts the window scale before SACK-permitted, as the BSDs do; options may stand in any order.</summary>
    public bool WindowScaleFirst;

    /// <summary>Whether SACK-permitted is present (RFC 2018 section 2).</summary>
    public bool SackPermitted;

    /// <summary>Whether the timestamps option is present (RFC 7323 section 3).</summary>
    public bool HasTimestamps;

    /// <summary>TSval.</summary>
    public uint TimestampValue;

    /// <summary>TSecr.</summary>
    public uint TimestampEcho;

    /// <summary>SACK blocks present, 0–4.</summary>
    public int SackCount;

    /// <summary>The blocks; those from <see cref="SackCount"/> on are meaningless.</summary>
    public SackBlocks Sack;

    /// <summary>Whether all of <paramref name="flags"/> are set.</summary>
    public readonly bool Has(TcpFlags flags) => (Flags & flags) == flags;

    /// <summary>Bytes that <see cref="Write"/> writes: a multiple of 4, at most 60.</summary>
    public readonly int Size => MinimumSize + FixedOptionsSize + (WritableSackCount > 0 ? 4 + 8 * WritableSackCount : 0);

    /// <summary>
    /// SACK blocks that <see cref="Write"/> writes: the first ones, as many as the other options leave room for (RFC 2018 section 3);
    /// with timestamps three.
    /// </summary>
    public readonly int WritableSackCount => Math.Clamp(SackCount, 0, Math.Min(4, (MaximumSize - MinimumSize - 4 - FixedOptionsSize) / 8));

    private readonly int FixedOptionsSize => (MaximumSegmentSize != 0 ? 4 : 0) + (HasTimestamps ? 12 : 0) + (HasWindowScale ? 4 : 0)
        + (SackPermitted && !HasTimestamps ? 4 : 0);

    /// <summary>
    /// Writes the header with a zero checksum, options in the order that common systems use: MSS, SACK-permitted in the padding
    /// of the timestamps, window scale, SACK.
    /// </summary>
    /// <param name="destination">At least <see cref="Size"/> bytes.</param>
    /// <returns>Bytes written.</returns>
    public readonly int Write(Span<byte> destination)
    {
        int size = Size;
        BinaryPrimitives.WriteUInt16BigEndian(destination, SourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(destination[2..], DestinationPort);
        BinaryPrimitives.WriteUInt32BigEndian(destination[4..], Sequence.Value);
        BinaryPrimitives.WriteUInt32BigEndian(destination[8..], Acknowledgment.Value);
        destination[12] = (byte)(size / 4 << 4);
        destination[13] = (byte)Flags;
        BinaryPrimitives.WriteUInt16BigEndian(destination[14..], Window);
        BinaryPrimitives.WriteUInt32BigEndian(destination[16..], UrgentPointer);
        WriteOptions(destination[MinimumSize..size]);
        return size;
    }

    private readonly void WriteOptions(Span<byte> options)
    {
        if (MaximumSegmentSize != 0)
        {
            BinaryPrimitives.WriteUInt32BigEndian(options, 0x0204_0000u | MaximumSegmentSize);
            options = options[4..];
        }
        if (HasWindowScale && WindowScaleFirst)
        {
            BinaryPrimitives.WriteUInt32BigEndian(options, 0x0103_0300u | WindowScale);
            options = options[4..];
        }
        if (HasTimestamps)
        {
            BinaryPrimitives.WriteUInt32BigEndian(options, SackPermitted ? 0x0402_080Au : 0x0101_080Au);
            BinaryPrimitives.WriteUInt32BigEndian(options[4..], TimestampValue);
            BinaryPrimitives.WriteUInt32BigEndian(options[8..], TimestampEcho);
            options = options[12..];
        }
        else if (SackPermitted)
        {
            BinaryPrimitives.WriteUInt32BigEndian(options, WindowScaleFirst ? 0x0402_0000u : 0x0101_0402u);
            options = options[4..];
        }
        if (HasWindowScale && !WindowScaleFirst)
        {
            BinaryPrimitives.WriteUInt32BigEndian(options, 0x0103_0300u | WindowScale);
            options = options[4..];
        }
        int blocks = WritableSackCount;
        if (blocks == 0) return;
        BinaryPrimitives.WriteUInt32BigEndian(options, 0x0101_0500u | (uint)(2 + 8 * blocks));
        for (int i = 0; i < blocks; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(options[(4 + 8 * i)..], Sack[i].Left.Value);
            BinaryPrimitives.WriteUInt32BigEndian(options[(8 + 8 * i)..], Sack[i].Right.Value);
        }
    }

    /// <summary>
    /// Reads a header from a view. A malformed option length is <see cref="DropReason.BadOption"/>; unknown options are skipped
    /// (RFC 9293 section 3.2); an option that makes sense on a SYN only is kept, its user decides.
    /// </summary>
    public static DropReason Read(in TcpView view, out TcpHeader header)
    {
        header = new TcpHeader
        {
            SourcePort = view.SourcePort,
            DestinationPort = view.DestinationPort,
            Sequence = view.Sequence,
            Acknowledgment = view.Acknowledgment,
            Flags = view.Flags,
            Window = view.Window,
            UrgentPointer = view.UrgentPointer,
        };
        ReadOnlySpan<byte> options = view.Options;
        // Header prediction for the one layout that nearly every segment has: NOP NOP timestamps.
        if (options.Length == 12 && BinaryPrimitives.ReadUInt32BigEndian(options) == 0x0101_080A)
        {
            header.SetTimestamps(options[4..]);
            return DropReason.None;
        }
        return header.ReadOptions(options);
    }

    private DropReason ReadOptions(ReadOnlySpan<byte> options)
    {
        while (!options.IsEmpty)
        {
            byte kind = options[0];
            if (kind == 0) return DropReason.None;
            if (kind == 1) { options = options[1..]; continue; }
            if (options.Length < 2) return DropReason.BadOption;
            int length = options[1];
            if (length < 2 || length > options.Length) return DropReason.BadOption;
            if (!ReadOption(kind, options[2..length])) return DropReason.BadOption;
            options = options[length..];
        }
        return DropReason.None;
    }

    // A known option of an impossible length is an error; of two of a kind the last counts, as everywhere.
    private bool ReadOption(byte kind, ReadOnlySpan<byte> value)
    {
        switch (kind)
        {
            case 2:
                if (value.Length != 2) return false;
                MaximumSegmentSize = BinaryPrimitives.ReadUInt16BigEndian(value);
                return true;
            case 3:
                if (value.Length != 1) return false;
                (HasWindowScale, WindowScale) = (true, value[0]);
                return true;
            case 4:
                if (value.Length != 0) return false;
                SackPermitted = true;
                return true;
            case 5:
                return ReadSack(value);
            case 8:
                if (value.Length != 8) return false;
                SetTimestamps(value);
                return true;
            default:
                return true;
        }
    }

    private bool ReadSack(ReadOnlySpan<byte> value)
    {
        if (value.Length is 0 or > 32 || value.Length % 8 != 0) return false;
        SackCount = value.Length / 8;
        for (int i = 0; i < SackCount; i++)
        {
            Sack[i] = new SackBlock(
                new SequenceNumber(BinaryPrimitives.ReadUInt32BigEndian(value[(8 * i)..])),
                new SequenceNumber(BinaryPrimitives.ReadUInt32BigEndian(value[(8 * i + 4)..])));
        }
        return true;
    }

    private void SetTimestamps(ReadOnlySpan<byte> value)
    {
        HasTimestamps = true;
        TimestampValue = BinaryPrimitives.ReadUInt32BigEndian(value);
        TimestampEcho = BinaryPrimitives.ReadUInt32BigEndian(value[4..]);
    }
}
