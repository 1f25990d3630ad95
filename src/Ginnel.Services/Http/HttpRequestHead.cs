using System.Text;

namespace Ginnel.Services.Http;

/// <summary>The part of a request that this server acts on.</summary>
/// <param name="Method">As sent, for example <c>GET</c>.</param>
/// <param name="Path">Path of the target without query, percent signs as they stand.</param>
/// <param name="Host">The host asked for, without port, in lower case; empty if the request names none.</param>
/// <param name="Accept">The Accept header's values, joined with a comma; empty if there is none.</param>
/// <param name="IsHttp10">Whether the client speaks HTTP/1.0.</param>
public readonly record struct HttpRequestHead(string Method, string Path, string Host, string Accept, bool IsHttp10)
{
    /// <summary>Most header fields that are read; one more refuses the request.</summary>
    public const int MaxFields = 100;

    /// <summary>Reads a request's head (RFC 9112 sections 2 to 5). Never throws.</summary>
    /// <param name="bytes">Everything up to and including the empty line.</param>
    /// <param name="head">The request, when the status is 0.</param>
    /// <returns>0, or the status code with which to refuse it.</returns>
    public static int Read(ReadOnlySpan<byte> bytes, out HttpRequestHead head)
    {
        head = default;
        if (!TryTakeLine(ref bytes, out ReadOnlySpan<byte> line) || !TryReadRequestLine(line, out string method, out string target, out bool isHttp10)) return 400;
        if (target.Length == 0) return 505;
        string? host = null, authority = null;
        StringBuilder accept = new();
        for (int fields = 0; ; fields++)
        {
            if (!TryTakeLine(ref bytes, out line)) return 400;
            if (line.IsEmpty) break;
            if (fields == MaxFields) return 431;
            if (!TryReadField(line, out string name, out string value)) return 400;
            if (name.Equals("host", StringComparison.OrdinalIgnoreCase))
            {
                // RFC 9112 section 3.2: more than one Host must be refused.
                if (host is not null) return 400;
                host = value;
            }
            else if (name.Equals("accept", StringComparison.OrdinalIgnoreCase))
            {
                if (accept.Length > 0) accept.Append(", ");
                accept.Append(value);
            }
        }
        // RFC 9112 section 3.2: HTTP/1.1 without Host must be refused.
        if (host is null && !isHttp10) return 400;
        if (!TrySplitTarget(target, out string path, out authority)) return 400;
        head = new(method, path, WithoutPort(authority ?? host ?? ""), accept.ToString(), isHttp10);
        return 0;
    }

    private static bool TryTakeLine(ref ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> line)
    {
        int end = bytes.IndexOf((byte)'\n');
        line = default;
        if (end < 0) return false;
        line = bytes[..end];
        // RFC 9112 section 2.2: a line feed alone may be taken for the end of a line; a carriage return elsewhere may not.
        if (line.EndsWith("\r"u8)) line = line[..^1];
        bytes = bytes[(end + 1)..];
        return line.IndexOfAny((byte)'\r', (byte)0) < 0;
    }

    /// <summary>An unsupported version yields an empty target.</summary>
    private static bool TryReadRequestLine(ReadOnlySpan<byte> line, out string method, out string target, out bool isHttp10)
    {
        (method, target, isHttp10) = ("", "", false);
        int first = line.IndexOf((byte)' '), last = line.LastIndexOf((byte)' ');
        if (first <= 0 || last <= first + 1) return false;
        ReadOnlySpan<byte> verb = line[..first], where = line[(first + 1)..last], version = line[(last + 1)..];
        if (!IsToken(verb) || where.ContainsAnyExceptInRange((byte)0x21, (byte)0x7E) || !version.StartsWith("HTTP/"u8)) return false;
        method = Encoding.ASCII.GetString(verb);
        isHttp10 = version.SequenceEqual("HTTP/1.0"u8);
        if (isHttp10 || version.SequenceEqual("HTTP/1.1"u8)) target = Encoding.ASCII.GetString(where);
        return true;
    }

    private static bool TryReadField(ReadOnlySpan<byte> line, out string name, out string value)
    {
        (name, value) = ("", "");
        int colon = line.IndexOf((byte)':');
        // RFC 9112 section 5.1: no space before the colon; section 5.2: folded lines are refused, their first character being no token's.
        if (colon <= 0 || !IsToken(line[..colon])) return false;
        name = Encoding.ASCII.GetString(line[..colon]);
        value = Encoding.Latin1.GetString(line[(colon + 1)..].Trim(" \t"u8));
        return true;
    }

    private static bool TrySplitTarget(string target, out string path, out string? authority)
    {
        authority = null;
        path = target;
        // RFC 9112 section 3.2.2: a server must take the absolute form, and its host is the one that counts.
        const string Scheme = "http://";
        if (target.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            int slash = target.IndexOf('/', Scheme.Length);
            authority = slash < 0 ? target[Scheme.Length..] : target[Scheme.Length..slash];
            path = slash < 0 ? "/" : target[slash..];
        }
        int question = path.IndexOf('?', StringComparison.Ordinal);
        if (question >= 0) path = path[..question];
        return path.StartsWith('/') && authority is not "";
    }

    private static string WithoutPort(string host)
    {
        int colon = host.StartsWith('[') ? host.IndexOf(':', Math.Max(0, host.IndexOf(']', StringComparison.Ordinal))) : host.IndexOf(':', StringComparison.Ordinal);
        return (colon < 0 ? host : host[..colon]).ToLowerInvariant();
    }

    // RFC 9110 section 5.6.2.
    private static bool IsToken(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return false;
        foreach (byte b in bytes)
        {
            if (!char.IsAsciiLetterOrDigit((char)b) && !"!#$%&'*+-.^_`|~"u8.Contains(b)) return false;
        }
        return true;
    }
}
