namespace Ginnel.Linux.Native;

/// <summary>Numbers of the TUN driver's interface (linux/if_tun.h) and of virtio-net headers (linux/virtio_net.h).</summary>
internal static class Tun
{
    public const nuint SetInterface = 0x400454ca, GetFeatures = 0x800454cf, SetOffload = 0x400454d0, SetVnetHeaderSize = 0x400454d8;
    public const nuint SetPersist = 0x400454cb;
    public const short FlagTun = 1, FlagNoPacketInfo = 0x1000, FlagVnetHeader = 0x4000;
    public const uint OffloadChecksum = 1, OffloadTso4 = 2, OffloadTso6 = 4, OffloadTsoEcn = 8, OffloadUso4 = 0x20, OffloadUso6 = 0x40;
}
