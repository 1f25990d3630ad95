using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>An interface of the stack: its link's properties, its addresses, and what waits to leave through it.</summary>
internal sealed class NetworkInterface(InterfaceId id, InterfaceOptions options)
{
    internal InterfaceId Id { get; } = id;
    internal InterfaceOptions Options { get; } = options;
    internal LinkProperties Link { get; set; } = options.Link;
    internal bool IsUp { get; set; }
    internal MacAddress Mac => Options.Mac;
    internal bool AnyIp => Options.AnyIp;

    /// <summary>Own addresses with the prefix of the network they stand in.</summary>
    internal List<(IpAddress Address, int PrefixLength)> Addresses { get; } = [];

    /// <summary>Finished packets in the link's form, ready to go. Bounded by <see cref="StackOptions.MaxTransmitQueue"/> for all but TCP.</summary>
    internal PacketQueue Output;

    /// <summary>Connections that want to send through this interface; TCP's own list, first in first out, each at most once.</summary>
    internal TcpConnection? FirstReady;
    internal TcpConnection? LastReady;

    /// <summary>Longest TCP payload with headers that the link takes in one packet: 65,535 where it segments, else its MTU.</summary>
    internal bool SegmentsTcp(bool v4) =>
        (Link.Offloads & (v4 ? LinkOffloads.TcpV4Segmentation : LinkOffloads.TcpV6Segmentation)) != 0;
}
