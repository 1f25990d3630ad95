namespace Ginnel.Wire;

/// <summary>
/// Why a packet went no further. Every drop has one of these names, a counter and a test; docs/drops.md is written from here.
/// </summary>
public enum DropReason : byte
{
    /// <summary>Not dropped.</summary>
    None,
    /// <summary>A frame or header ends before its fixed part is complete.</summary>
    Truncated,
    /// <summary>A length field says more than the packet holds, or less than its own header.</summary>
    BadLength,
    /// <summary>A version field is not the one that the place demands.</summary>
    BadVersion,
    /// <summary>A checksum does not match.</summary>
    BadChecksum,
    /// <summary>An option or extension header is malformed.</summary>
    BadOption,
    /// <summary>A field has a value that its RFC forbids here.</summary>
    BadField,
    /// <summary>Segmentation metadata contradict the packet's headers.</summary>
    BadSegmentation,
    /// <summary>IEEE 802.3 length framing (LLC), which no IP host uses.</summary>
    LlcFrame,
    /// <summary>A VLAN tag, of which Ginnel's interfaces have none.</summary>
    VlanTagged,
    /// <summary>An EtherType that Ginnel does not speak.</summary>
    UnknownEtherType,
    /// <summary>A frame for another station.</summary>
    NotOurMac,
    /// <summary>A source that no host may have: multicast, broadcast, loopback from a link, or our own address.</summary>
    BadSource,
    /// <summary>A destination that no packet on a link may have.</summary>
    BadDestination,
    /// <summary>An address that is not ours on an interface without any-IP.</summary>
    NotOurAddress,
    /// <summary>A source-route option or routing header that asks for forwarding (RFC 6274, RFC 5095).</summary>
    SourceRouted,
    /// <summary>An IP protocol that Ginnel does not carry.</summary>
    UnknownProtocol,
    /// <summary>More extension headers than the limit.</summary>
    TooManyExtensionHeaders,
    /// <summary>Fragments overlap (RFC 5722; refused for IPv4 as well).</summary>
    FragmentOverlap,
    /// <summary>A fragment that no sane host sends: misaligned, past 65,535 bytes, or too short to hold the transport header.</summary>
    BadFragment,
    /// <summary>The reassembler is at its limit.</summary>
    ReassemblyLimit,
    /// <summary>The remaining fragments did not come in time.</summary>
    ReassemblyTimeout,
    /// <summary>No socket, listener or any-IP mode takes this segment or datagram.</summary>
    NoListener,
    /// <summary>No route, or no source address, leads to the destination.</summary>
    NoRoute,
    /// <summary>The neighbor did not answer ARP or neighbor solicitation.</summary>
    NeighborUnreachable,
    /// <summary>Too many packets wait for the neighbor to answer.</summary>
    NeighborQueueFull,
    /// <summary>The packet is too big for the link and may not be fragmented.</summary>
    PacketTooBig,
    /// <summary>The backlog, the pending connections or the pending ports are at their limit.</summary>
    BacklogFull,
    /// <summary>The table of connections or ports is at its limit.</summary>
    TableFull,
    /// <summary>A receive buffer has no room.</summary>
    ReceiveBufferFull,
    /// <summary>An answer would exceed its rate limit (ICMP errors, resets, challenge ACKs).</summary>
    RateLimited,
    /// <summary>No packet buffer is to be had.</summary>
    OutOfBuffers,
    /// <summary>The interface is down or has no link.</summary>
    InterfaceDown,
    /// <summary>A TCP segment outside the window (RFC 9293 section 3.10.7.4).</summary>
    OutOfWindow,
    /// <summary>A TCP segment with an old timestamp (RFC 7323 section 5).</summary>
    PawsRejected,
    /// <summary>A TCP segment whose acknowledgment is unacceptable (RFC 5961 section 5).</summary>
    BadAcknowledgment,
    /// <summary>A TCP segment with flags that make no sense in the connection's state.</summary>
    BadFlags,
    /// <summary>Out-of-order data beyond what the reassembly queue holds.</summary>
    OutOfOrderLimit,
    /// <summary>An ICMP error that quotes no flow of ours or a sequence number out of range (RFC 5927).</summary>
    IcmpNotOurs,
    /// <summary>A control message that Ginnel has no use for.</summary>
    Ignored,
    /// <summary>A neighbor discovery message that fails RFC 4861's checks (hop limit 255, lengths, addresses).</summary>
    BadNeighborMessage,
    /// <summary>The queue towards the link is full.</summary>
    TransmitQueueFull,
    /// <summary>The socket was closed or belongs to another owner.</summary>
    SocketClosed,
    /// <summary>The hop limit ends here, and the destination lies beyond (any-IP mode, where the stack stands for a router).</summary>
    HopLimitExceeded,
    /// <summary>Of a packet's fragments some were marked for congestion, others belong to a transport without ECN (RFC 3168 section 5.3).</summary>
    FragmentEcn,
}
