using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Ginnel.Wire;

/// <summary>What a captured packet begins with.</summary>
public enum PcapLinkType : ushort
{
    /// <summary>An Ethernet header.</summary>
    Ethernet = 1,
    /// <summary>An IPv4 or IPv6 header.</summary>
    RawIp = 101,
}

/// <summary>Which way a captured packet went, as the interface's owner sees it.</summary>
public enum PcapDirection : byte
{
    /// <summary>Not recorded.</summary>
    Unknown = 0,
    /// <summary>Received.</summary>
    Inbound = 1,
    /// <summary>Sent.</summary>
    Outbound = 2,
}

/// <summary>
/// Writes a pcapng capture (draft-ietf-opsawg-pcapng) block by block: one section, its interfaces, packets with nanosecond time
/// stamps and comments. Each call is one <see cref="IBufferWriter{T}.GetSpan"/> and one <see cref="IBufferWriter{T}.Advance"/>; flushing
/// and size limits are the caller's. Not thread-safe.
/// </summary>
public sealed class PcapngWriter
{
    /// <summary>Most UTF-8 bytes of a comment or name; the rest is cut off.</summary>
    public const int TextLimit = 1024;

    private const uint SectionHeader = 0x0A0D_0D0A, InterfaceDescription = 1, EnhancedPacket = 6;
    private const ushort Comment = 1;

    private readonly IBufferWriter<byte> _output;
    private int _interfaces;

    /// <summary>Begins a capture with a section header.</summary>
    /// <param name="output">Where the blocks go.</param>
    /// <param name="application">Who writes, for the reader's information; may be empty.</param>
    /// <param name="comment">May be empty.</param>
    public PcapngWriter(IBufferWriter<byte> output, string application = "", string comment = "")
    {
        ArgumentNullException.ThrowIfNull(output);
        _output = output;
        const ushort Application = 4;
        int options = Option.Size(comment) + Option.Size(application) + Option.EndSize(comment, application);
        Block block = new(output, SectionHeader, 16 + options);
        block.UInt32(0x1A2B_3C4D);
        block.UInt16(1);
        block.UInt16(0);
        block.UInt64(ulong.MaxValue); // the section's length is not known in advance
        block.Text(Comment, comment);
        block.Text(Application, application);
        block.End();
    }

    /// <summary>Describes an interface.</summary>
    /// <returns>The number by which packets name it, counting from 0.</returns>
    public int AddInterface(PcapLinkType linkType, string name = "")
    {
        const ushort Name = 2, TimestampResolution = 9;
        Block block = new(_output, InterfaceDescription, 8 + Option.Size(name) + 8 + 4);
        block.UInt16((ushort)linkType);
        block.UInt16(0);
        block.UInt32(0); // no limit on the captured length
        block.Text(Name, name);
        block.UInt16(TimestampResolution);
        block.UInt16(1);
        block.UInt32(9); // 10^-9 s; three bytes of it are padding
        block.End();
        return _interfaces++;
    }

    /// <summary>Writes a packet.</summary>
    /// <param name="interfaceId">From <see cref="AddInterface"/>.</param>
    /// <param name="unixNanoseconds">When, in nanoseconds since 1970-01-01 UTC.</param>
    /// <param name="packet">The captured bytes.</param>
    /// <param name="originalLength">Bytes of the whole packet if fewer were captured; otherwise anything smaller.</param>
    /// <param name="direction">Which way it went.</param>
    /// <param name="comment">For instance why it was dropped; may be empty.</param>
    public void WritePacket(int interfaceId, ulong unixNanoseconds, ReadOnlySpan<byte> packet, int originalLength = 0,
        PcapDirection direction = PcapDirection.Unknown, string comment = "")
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)interfaceId, (uint)_interfaces, nameof(interfaceId));
        const ushort Flags = 2;
        bool hasFlags = direction != PcapDirection.Unknown;
        int end = hasFlags || comment.Length > 0 ? 4 : 0;
        Block block = new(_output, EnhancedPacket, 20 + Option.Padded(packet.Length) + Option.Size(comment) + (hasFlags ? 8 : 0) + end);
        block.UInt32((uint)interfaceId);
        block.UInt32((uint)(unixNanoseconds >> 32));
        block.UInt32((uint)unixNanoseconds);
        block.UInt32((uint)packet.Length);
        block.UInt32((uint)Math.Max(packet.Length, originalLength));
        block.Bytes(packet);
        block.Text(Comment, comment);
        if (hasFlags)
        {
            block.UInt16(Flags);
            block.UInt16(4);
            block.UInt32((uint)direction);
        }
        block.End();
    }

    private static class Option
    {
        public static int Padded(int length) => (length + 3) & ~3;

        public static int TextSize(string text) => Math.Min(Encoding.UTF8.GetByteCount(text), TextLimit);

        public static int Size(string text) => text.Length == 0 ? 0 : 4 + Padded(TextSize(text));

        public static int EndSize(string first, string second) => first.Length + second.Length == 0 ? 0 : 4;
    }

    // One block: type, total length, body, total length again. Little-endian throughout, which the magic number says.
    private ref struct Block
    {
        private readonly IBufferWriter<byte> _output;
        private readonly Span<byte> _span;
        private int _at;

        public Block(IBufferWriter<byte> output, uint type, int bodyLength)
        {
            _output = output;
            _span = output.GetSpan(12 + bodyLength)[..(12 + bodyLength)];
            UInt32(type);
            UInt32((uint)_span.Length);
        }

        public void UInt16(ushort value)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(_span[_at..], value);
            _at += 2;
        }

        public void UInt32(uint value)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(_span[_at..], value);
            _at += 4;
        }

        public void UInt64(ulong value)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(_span[_at..], value);
            _at += 8;
        }

        public void Bytes(ReadOnlySpan<byte> bytes)
        {
            bytes.CopyTo(_span[_at..]);
            Pad(bytes.Length);
        }

        public void Text(ushort code, string text)
        {
            if (text.Length == 0) return;
            int length = Option.TextSize(text);
            UInt16(code);
            UInt16((ushort)length);
            Span<byte> place = _span.Slice(_at, length);
            // A character that the limit would cut in two is left out; blanks take its place.
            System.Text.Unicode.Utf8.FromUtf16(text, place, out _, out int written);
            place[written..].Fill((byte)' ');
            Pad(length);
        }

        public void End()
        {
            // The room was computed beforehand; what remains besides the length is the end-of-options option.
            if (_span.Length - _at > 4) UInt32(0);
            UInt32((uint)_span.Length);
            _output.Advance(_span.Length);
        }

        private void Pad(int length)
        {
            _at += length;
            int padding = Option.Padded(length) - length;
            _span.Slice(_at, padding).Clear();
            _at += padding;
        }
    }
}
