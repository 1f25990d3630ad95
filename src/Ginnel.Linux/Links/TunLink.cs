using Ginnel.Netstack;

namespace Ginnel.Linux.Links;

/// <summary>A TUN device as a link of medium IP, with segmentation offload where the kernel grants it.</summary>
public sealed class TunLink : DescriptorLink
{
    private readonly TunDevice _device;

    private TunLink(TunDevice device, LinkProperties properties) : base(device.Descriptor, properties) => _device = device;

    /// <summary>The interface's name in its own network namespace.</summary>
    public string Name => _device.Name;

    /// <summary>Makes a device in the network namespace of the calling thread; addresses and routes are the caller's affair.</summary>
    /// <param name="name">The interface's name, at most 15 ASCII characters; a trailing %d is numbered by the kernel.</param>
    /// <param name="mtu">The MTU that the interface is given, in bytes.</param>
    /// <param name="offload">Whether the kernel may hand over super-segments and partial checksums, and take them; else each packet as on a wire.</param>
    /// <exception cref="LinuxException">No /dev/net/tun, or no permission.</exception>
    public static TunLink Open(string name, int mtu, bool offload = true) => For(TunDevice.Create(TunDevice.Open(), name, offload), mtu);

    /// <summary>Lets the interface stay, without carrier, when the descriptor is closed; its namespace takes it along.</summary>
    internal void Keep() => TunDevice.Keep(_device.Descriptor);

    /// <summary>Takes ownership of the device.</summary>
    internal static TunLink For(TunDevice device, int mtu) =>
        new(device, new LinkProperties(LinkMedium.Ip, mtu, OffloadCodec.Offloads(device.Offloads)));
}
