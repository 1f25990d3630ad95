using System.Text;
using Ginnel.Linux.Native;

namespace Ginnel.Linux.Links;

/// <summary>
/// A TUN device and its descriptor. The device belongs to the network namespace in which /dev/net/tun was opened, whoever configures it,
/// and it is gone as soon as the last descriptor is closed: that is what cuts a program off when its gateway dies.
/// </summary>
internal sealed class TunDevice : IDisposable
{
    private const int InterfaceRequestSize = 40; // struct ifreq
    private const int InterfaceNameSize = 16;

    private TunDevice(Descriptor descriptor, string name, TunOffloads offloads)
    {
        Descriptor = descriptor;
        Name = name;
        Offloads = offloads;
    }

    /// <summary>Reads and writes packets, each behind a virtio-net header of ten bytes. Non-blocking.</summary>
    public Descriptor Descriptor { get; }

    /// <summary>The interface's name.</summary>
    public string Name { get; }

    /// <summary>What the kernel granted.</summary>
    public TunOffloads Offloads { get; }

    /// <summary>Opens /dev/net/tun in the calling thread's network namespace.</summary>
    /// <exception cref="LinuxException">No such device, or no permission.</exception>
    public static Descriptor Open()
    {
        int number = Descriptors.Open(TunPath, Descriptors.ReadWrite);
        return number >= 0 ? new Descriptor(number) : throw LinuxException.Last("open", TunPath);
    }

    /// <summary>Where the kernel offers TUN devices.</summary>
    public const string TunPath = "/dev/net/tun";

    /// <summary>Makes the device on a fresh descriptor of /dev/net/tun, of which it takes ownership.</summary>
    /// <exception cref="LinuxException">The kernel refused; the descriptor is closed.</exception>
    public static TunDevice Create(Descriptor descriptor, string name, bool offload = true)
    {
        try
        {
            SetInterface(descriptor, name, Tun.FlagTun | Tun.FlagNoPacketInfo | Tun.FlagVnetHeader);
            int headerSize = VirtioHeader.Size;
            Configure(descriptor, Tun.SetVnetHeaderSize, ref headerSize);
            TunOffloads offloads = offload ? SetOffloads(descriptor) : TunOffloads.None;
            descriptor.SetNonBlocking();
            return new TunDevice(descriptor, name, offloads);
        }
        catch
        {
            descriptor.Dispose();
            throw;
        }
    }

    /// <summary>Adopts a device that another process of ours made and configured.</summary>
    public static TunDevice Adopt(Descriptor descriptor, string name, TunOffloads offloads) => new(descriptor, name, offloads);

    /// <summary>
    /// Lets the interface outlive its descriptor, without carrier, until its namespace goes. Removing one keeps whoever closes it until every
    /// processor has noticed, for 10 to 30 ms. False: the kernel refused.
    /// </summary>
    public static unsafe bool Keep(Descriptor descriptor) => Descriptors.ioctl(descriptor.Number, Tun.SetPersist, (void*)1) == 0;

    /// <inheritdoc/>
    public void Dispose() => Descriptor.Dispose();

    /// <summary>
    /// Makes a device in the calling thread's network namespace whose descriptor carries bare IP packets, whole and checksummed, and waits where it
    /// is read: for tests that want to see what the kernel sends, segment by segment.
    /// </summary>
    /// <exception cref="LinuxException">No such device, or no permission.</exception>
    internal static Descriptor CreateBare(string name)
    {
        Descriptor descriptor = Open();
        try
        {
            SetInterface(descriptor, name, Tun.FlagTun | Tun.FlagNoPacketInfo);
            return descriptor;
        }
        catch
        {
            descriptor.Dispose();
            throw;
        }
    }

    private static unsafe void SetInterface(Descriptor descriptor, string name, short flags)
    {
        byte* request = stackalloc byte[InterfaceRequestSize];
        Span<byte> bytes = new(request, InterfaceRequestSize);
        bytes.Clear();
        Encoding.ASCII.GetBytes(name, bytes[..(InterfaceNameSize - 1)]);
        *(short*)(request + InterfaceNameSize) = flags;
        if (Descriptors.ioctl(descriptor.Number, Tun.SetInterface, request) != 0) throw LinuxException.Last("ioctl TUNSETIFF", name);
    }

    private static unsafe void Configure(Descriptor descriptor, nuint request, ref int value)
    {
        fixed (int* pointer = &value)
        {
            if (Descriptors.ioctl(descriptor.Number, request, pointer) != 0) throw LinuxException.Last("ioctl TUNSETVNETHDRSZ");
        }
    }

    /// <summary>Asks for the most first: a kernel refuses the whole set when it does not know one flag.</summary>
    private static unsafe TunOffloads SetOffloads(Descriptor descriptor)
    {
        const uint Tcp = Tun.OffloadChecksum | Tun.OffloadTso4 | Tun.OffloadTso6 | Tun.OffloadTsoEcn;
        (uint Flags, TunOffloads Meaning)[] wishes =
        [
            (Tcp | Tun.OffloadUso4 | Tun.OffloadUso6, TunOffloads.Checksum | TunOffloads.Tcp | TunOffloads.Udp),
            (Tcp, TunOffloads.Checksum | TunOffloads.Tcp),
            (Tun.OffloadChecksum, TunOffloads.Checksum),
        ];
        foreach ((uint flags, TunOffloads meaning) in wishes)
        {
            // The argument is the value itself, not a pointer to it.
            if (Descriptors.ioctl(descriptor.Number, Tun.SetOffload, (void*)flags) == 0) return meaning;
        }
        return TunOffloads.None;
    }
}
