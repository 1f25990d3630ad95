namespace Ginnel.Wire;

/// <summary>Resource record types that Ginnel knows; others pass as their number and opaque data (RFC 3597).</summary>
public enum DnsType : ushort
{
    /// <summary>IPv4 address.</summary>
    A = 1,
    /// <summary>Name server.</summary>
    Ns = 2,
    /// <summary>Canonical name.</summary>
    Cname = 5,
    /// <summary>Start of authority.</summary>
    Soa = 6,
    /// <summary>Pointer, used for names of addresses.</summary>
    Ptr = 12,
    /// <summary>Mail exchange.</summary>
    Mx = 15,
    /// <summary>Text.</summary>
    Txt = 16,
    /// <summary>IPv6 address (RFC 3596).</summary>
    Aaaa = 28,
    /// <summary>Service location (RFC 2782).</summary>
    Srv = 33,
    /// <summary>EDNS(0) pseudo-record (RFC 6891).</summary>
    Opt = 41,
    /// <summary>Service binding (RFC 9460).</summary>
    Svcb = 64,
    /// <summary>Service binding for HTTPS (RFC 9460).</summary>
    Https = 65,
    /// <summary>Query only: every type.</summary>
    Any = 255,
}

/// <summary>Record classes.</summary>
public enum DnsClass : ushort
{
    /// <summary>The Internet.</summary>
    In = 1,
    /// <summary>Chaos, used for server identity.</summary>
    Chaos = 3,
    /// <summary>Query only: every class.</summary>
    Any = 255,
}

/// <summary>Kinds of query.</summary>
public enum DnsOpcode : byte
{
    /// <summary>A standard query.</summary>
    Query = 0,
    /// <summary>Server status.</summary>
    Status = 2,
    /// <summary>Zone change notification (RFC 1996).</summary>
    Notify = 4,
    /// <summary>Dynamic update (RFC 2136).</summary>
    Update = 5,
}

/// <summary>Response codes (RFC 1035, RFC 6895); above 15 only with EDNS.</summary>
public enum DnsResponseCode : ushort
{
    /// <summary>No error; with no answer it means that the name has no record of the type (NODATA).</summary>
    NoError = 0,
    /// <summary>The query is malformed.</summary>
    FormatError = 1,
    /// <summary>The server failed.</summary>
    ServerFailure = 2,
    /// <summary>The name does not exist (NXDOMAIN).</summary>
    NameError = 3,
    /// <summary>The server does not do that.</summary>
    NotImplemented = 4,
    /// <summary>The server will not do that.</summary>
    Refused = 5,
    /// <summary>The EDNS version is unknown.</summary>
    BadVersion = 16,
}

/// <summary>The sections of a message behind its questions.</summary>
public enum DnsSection : byte
{
    /// <summary>Records that answer the question.</summary>
    Answer,
    /// <summary>Records of the authority.</summary>
    Authority,
    /// <summary>Further records, EDNS among them.</summary>
    Additional,
}

/// <summary>Keys of service parameters (RFC 9460 section 14.3.2).</summary>
public enum DnsServiceKey : ushort
{
    /// <summary>Keys that a client must understand.</summary>
    Mandatory = 0,
    /// <summary>Protocols of the application layer.</summary>
    Alpn = 1,
    /// <summary>The default protocol is not offered.</summary>
    NoDefaultAlpn = 2,
    /// <summary>The port.</summary>
    Port = 3,
    /// <summary>IPv4 addresses.</summary>
    IpV4Hint = 4,
    /// <summary>Encrypted ClientHello configuration.</summary>
    Ech = 5,
    /// <summary>IPv6 addresses.</summary>
    IpV6Hint = 6,
}
