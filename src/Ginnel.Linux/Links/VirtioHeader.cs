using System.Runtime.InteropServices;

namespace Ginnel.Linux.Links;

/// <summary>
/// The virtio-net header that TUN and AF_PACKET put before each packet (virtio 1.2, section 5.1.6; legacy layout of ten bytes in the
/// machine's own byte order). It says where a partial checksum goes and how a super-segment is cut.
/// </summary>
/// <param name="Flags">Bit 0: the checksum is partial; bit 1: it was verified.</param>
/// <param name="GsoType">None, TCP over IPv4, TCP over IPv6 or UDP, with a bit for ECN.</param>
/// <param name="HeaderLength">Bytes of all headers of a super-segment: a hint only.</param>
/// <param name="GsoSize">Payload bytes of each segment.</param>
/// <param name="ChecksumStart">Where the sum starts, counted from the packet's first byte.</param>
/// <param name="ChecksumOffset">Where the checksum stands, counted from <paramref name="ChecksumStart"/>.</param>
internal readonly record struct VirtioHeader(
    byte Flags, byte GsoType, ushort HeaderLength, ushort GsoSize, ushort ChecksumStart, ushort ChecksumOffset)
{
    public const int Size = 10;
    public const byte NeedsChecksum = 1, DataValid = 2;
    public const byte GsoNone = 0, GsoTcp4 = 1, GsoTcp6 = 4, GsoUdp = 5, GsoEcn = 0x80;

    public static VirtioHeader Read(ReadOnlySpan<byte> bytes) => new(
        bytes[0], bytes[1], MemoryMarshal.Read<ushort>(bytes[2..]), MemoryMarshal.Read<ushort>(bytes[4..]),
        MemoryMarshal.Read<ushort>(bytes[6..]), MemoryMarshal.Read<ushort>(bytes[8..]));

    public void Write(Span<byte> bytes)
    {
        bytes[0] = Flags;
        bytes[1] = GsoType;
        MemoryMarshal.Write(bytes[2..], HeaderLength);
        MemoryMarshal.Write(bytes[4..], GsoSize);
        MemoryMarshal.Write(bytes[6..], ChecksumStart);
        MemoryMarshal.Write(bytes[8..], ChecksumOffset);
    }
}
