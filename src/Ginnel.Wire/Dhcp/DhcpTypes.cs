namespace Ginnel.Wire;

/// <summary>Kinds of DHCP message (RFC 2131 section 3.1, option 53).</summary>
public enum DhcpMessageType : byte
{
    /// <summary>A BOOTP message, or a value that no RFC assigns.</summary>
    None = 0,
    /// <summary>A client looks for servers.</summary>
    Discover = 1,
    /// <summary>A server offers an address.</summary>
    Offer = 2,
    /// <summary>A client takes, confirms or renews an address.</summary>
    Request = 3,
    /// <summary>A client found the address in use.</summary>
    Decline = 4,
    /// <summary>A server grants.</summary>
    Acknowledge = 5,
    /// <summary>A server refuses.</summary>
    Refuse = 6,
    /// <summary>A client gives the address back.</summary>
    Release = 7,
    /// <summary>A client with an address asks for the other parameters.</summary>
    Inform = 8,
}

/// <summary>Options (RFC 2132 and later) that Ginnel names; others pass as their number.</summary>
public enum DhcpOption : byte
{
    /// <summary>Filler without a length.</summary>
    Pad = 0,
    /// <summary>Mask of the subnet.</summary>
    SubnetMask = 1,
    /// <summary>Default gateways.</summary>
    Router = 3,
    /// <summary>DNS servers.</summary>
    DnsServer = 6,
    /// <summary>The client's name.</summary>
    HostName = 12,
    /// <summary>The domain in which names are completed.</summary>
    DomainName = 15,
    /// <summary>MTU of the interface.</summary>
    InterfaceMtu = 26,
    /// <summary>Broadcast address of the subnet.</summary>
    BroadcastAddress = 28,
    /// <summary>NTP servers.</summary>
    NtpServer = 42,
    /// <summary>The address that the client would like.</summary>
    RequestedAddress = 50,
    /// <summary>Seconds for which the address is granted.</summary>
    LeaseTime = 51,
    /// <summary>Options continue in the fields <c>file</c> (1), <c>sname</c> (2) or both (3).</summary>
    Overload = 52,
    /// <summary>Kind of message.</summary>
    MessageType = 53,
    /// <summary>The server's address, its identity.</summary>
    ServerIdentifier = 54,
    /// <summary>Codes of the options that the client wants.</summary>
    ParameterRequestList = 55,
    /// <summary>Why something was refused.</summary>
    Message = 56,
    /// <summary>The longest message that the client takes.</summary>
    MaximumMessageSize = 57,
    /// <summary>Seconds until the client renews (T1).</summary>
    RenewalTime = 58,
    /// <summary>Seconds until the client asks every server (T2).</summary>
    RebindingTime = 59,
    /// <summary>The client's make.</summary>
    VendorClass = 60,
    /// <summary>The client's identity, in place of its hardware address.</summary>
    ClientIdentifier = 61,
    /// <summary>The answer may come in two messages instead of four (RFC 4039).</summary>
    RapidCommit = 80,
    /// <summary>The client can do without IPv4 (RFC 8925).</summary>
    IpV6OnlyPreferred = 108,
    /// <summary>Domains in which names are looked for (RFC 3397).</summary>
    DomainSearch = 119,
    /// <summary>Routes (RFC 3442).</summary>
    ClasslessRoutes = 121,
    /// <summary>End of the options.</summary>
    End = 255,
}
