namespace Ginnel.Netstack;

/// <summary>What a link carries.</summary>
public enum LinkMedium : byte
{
    /// <summary>IP packets.</summary>
    Ip,
    /// <summary>Ethernet II frames.</summary>
    Ethernet,
}

/// <summary>What a link does for the stack.</summary>
[Flags]
public enum LinkOffloads : byte
{
    /// <summary>Nothing.</summary>
    None = 0,
    /// <summary>Takes packets with a partial transport checksum.</summary>
    PartialChecksum = 1,
    /// <summary>Takes TCP super-segments over IPv4.</summary>
    TcpV4Segmentation = 2,
    /// <summary>Takes TCP super-segments over IPv6.</summary>
    TcpV6Segmentation = 4,
    /// <summary>Takes UDP super-segments.</summary>
    UdpSegmentation = 8,
    /// <summary>Everything: a stack in the same process.</summary>
    All = PartialChecksum | TcpV4Segmentation | TcpV6Segmentation | UdpSegmentation,
}

/// <summary>What the stack must know of a link.</summary>
/// <param name="Medium">IP or Ethernet.</param>
/// <param name="Mtu">Longest IP packet in bytes, 68–65,535 (576 at least for real use, 1,280 at least for IPv6).</param>
/// <param name="Offloads">What need not be done by the stack.</param>
/// <param name="Reliable">Whether the carrier neither loses nor reorders (a byte stream).</param>
public readonly record struct LinkProperties(LinkMedium Medium, int Mtu, LinkOffloads Offloads = LinkOffloads.None, bool Reliable = false);
