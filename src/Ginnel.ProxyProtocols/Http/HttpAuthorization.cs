using System.Buffers.Text;

namespace Ginnel.ProxyProtocols;

/// <summary>Credentials by the Basic scheme (RFC 7617). Takes any bytes, never throws.</summary>
internal static class HttpAuthorization
{
    internal const string Challenge = "Proxy-Authenticate: Basic realm=\"ginnel\", charset=\"UTF-8\"\r\n";

    /// <summary>Whether a request bears the credentials: exactly one field, exactly them.</summary>
    internal static bool IsGranted(in HttpFields fields, ProxyCredentials credentials)
    {
        if (fields.Count("Proxy-Authorization"u8, out ReadOnlySpan<byte> value) != 1) return false;
        int blank = value.IndexOf((byte)' ');
        if (blank < 0 || !HttpSyntax.Same(value[..blank], "Basic"u8)) return false;
        ReadOnlySpan<byte> encoded = HttpSyntax.Trim(value[blank..]);
        Span<byte> pair = stackalloc byte[2 * ProxyCredentials.MaxLength + 1];
        if (encoded.Length > Base64.GetMaxEncodedToUtf8Length(pair.Length)) return false;
        if (Base64.DecodeFromUtf8(encoded, pair, out int consumed, out int length) != System.Buffers.OperationStatus.Done || consumed != encoded.Length) return false;
        pair = pair[..length];
        int colon = pair.IndexOf((byte)':');
        return colon >= 0 && credentials.Match(pair[..colon], pair[(colon + 1)..]);
    }
}
