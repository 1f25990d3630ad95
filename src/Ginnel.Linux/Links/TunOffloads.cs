namespace Ginnel.Linux.Links;

/// <summary>What a TUN device leaves to its reader: partial checksums and packets that stand for several.</summary>
[Flags]
internal enum TunOffloads
{
    /// <summary>Every packet arrives whole and checksummed.</summary>
    None = 0,
    /// <summary>Transport checksums may be partial.</summary>
    Checksum = 1,
    /// <summary>TCP super-segments over IPv4 and IPv6.</summary>
    Tcp = 2,
    /// <summary>UDP super-datagrams over IPv4 and IPv6 (kernel 6.2 and later).</summary>
    Udp = 4,
}
