using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel.Linux.Links;

/// <summary>One end of a veth pair, read and written through an AF_PACKET socket with virtio headers: a link of medium Ethernet.</summary>
public sealed class PacketSocketLink : DescriptorLink
{
    private PacketSocketLink(Descriptor socket, LinkProperties properties, MacAddress address) : base(socket, properties) =>
        Address = address;

    /// <summary>The address that the stack is to use on this link.</summary>
    public MacAddress Address { get; }

    /// <summary>Takes ownership of a bound, non-blocking socket with PACKET_VNET_HDR.</summary>
    internal static PacketSocketLink For(Descriptor socket, int mtu, MacAddress address)
    {
        // veth takes whatever its kernel can segment; USO travels through it as on any software device.
        const LinkOffloads Offloads = LinkOffloads.PartialChecksum | LinkOffloads.TcpV4Segmentation | LinkOffloads.TcpV6Segmentation;
        return new PacketSocketLink(socket, new LinkProperties(LinkMedium.Ethernet, mtu, Offloads), address);
    }
}
