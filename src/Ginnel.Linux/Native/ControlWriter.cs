namespace Ginnel.Linux.Native;

/// <summary>Ancillary data, one item behind the other (cmsg(3)); the memory is the caller's.</summary>
internal unsafe ref struct ControlWriter(byte* at)
{
    private static readonly nuint HeaderSize = Sockets.Align((nuint)sizeof(Sockets.ControlHeader));

    public nuint Length { get; private set; }

    public void AddShort(int level, int type, ushort value) => *(ushort*)Begin(level, type, sizeof(ushort)) = value;

    public void AddInt(int level, int type, int value) => *(int*)Begin(level, type, sizeof(int)) = value;

    private byte* Begin(int level, int type, nuint size)
    {
        byte* item = at + Length;
        *(Sockets.ControlHeader*)item = new Sockets.ControlHeader { Length = HeaderSize + size, Level = level, Type = type };
        Length += HeaderSize + Sockets.Align(size);
        return item + HeaderSize;
    }
}
