namespace Ginnel.ProxyProtocols;

/// <summary>Fields that end here (RFC 9110 section 7.6.1).</summary>
internal static class HttpHopFields
{
    /// <summary>
    /// Whether a field is for this hop only: one of the known ones, or one that Connection names. Framing is written anew by whoever
    /// writes the message, and so is Host.
    /// </summary>
    internal static bool EndsHere(in HttpFields fields, ReadOnlySpan<byte> name) => IsKnown(name) || fields.Lists("Connection"u8, name);

    private static bool IsKnown(ReadOnlySpan<byte> name) => name.Length switch
    {
        2 => HttpSyntax.Same(name, "TE"u8),
        4 => HttpSyntax.Same(name, "Host"u8),
        7 => HttpSyntax.Same(name, "Trailer"u8) || HttpSyntax.Same(name, "Upgrade"u8),
        10 => HttpSyntax.Same(name, "Connection"u8) || HttpSyntax.Same(name, "Keep-Alive"u8),
        14 => HttpSyntax.Same(name, "Content-Length"u8),
        16 => HttpSyntax.Same(name, "Proxy-Connection"u8),
        17 => HttpSyntax.Same(name, "Transfer-Encoding"u8),
        // Credentials for this proxy never go further (RFC 9110 section 11.7.2), and its challenges are its own.
        18 => HttpSyntax.Same(name, "Proxy-Authenticate"u8),
        19 => HttpSyntax.Same(name, "Proxy-Authorization"u8),
        25 => HttpSyntax.Same(name, "Proxy-Authentication-Info"u8),
        _ => false,
    };
}
