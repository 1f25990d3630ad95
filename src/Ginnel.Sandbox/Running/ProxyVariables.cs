using System.Collections;
using System.Net;

namespace Ginnel.Sandbox;

/// <summary>Finds proxy variables that name the host's loopback, which means another computer inside.</summary>
public static class ProxyVariables
{
    private static readonly string[] Names = ["http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "socks_proxy", "rsync_proxy"];

    /// <summary>One line that names the variables and the remedy; null when there is nothing to say.</summary>
    /// <param name="environment">The variables.</param>
    /// <param name="isLoopbackOpen">Whether the program can reach the host's loopback as <c>host.ginnel.internal</c>.</param>
    public static string? Warning(IDictionary environment, bool isLoopbackOpen)
    {
        ArgumentNullException.ThrowIfNull(environment);
        List<string> found = [];
        foreach (DictionaryEntry entry in environment)
        {
            if (entry.Key is string name && entry.Value is string value && Names.Contains(name.ToLowerInvariant()) && NamesLoopback(value)) found.Add(name);
        }
        if (found.Count == 0) return null;
        found.Sort(StringComparer.Ordinal);
        string first = found[0], remedy = isLoopbackOpen ? "write host.ginnel.internal in its place" : "add --host-loopback and write host.ginnel.internal in its place";
        return $"{string.Join(", ", found)} names a proxy on this host's loopback, which the program cannot reach as such: {remedy}, or unset {(found.Count == 1 ? first : "them")}";
    }

    private static bool NamesLoopback(string value)
    {
        int scheme = value.IndexOf("://", StringComparison.Ordinal);
        string rest = scheme < 0 ? value : value[(scheme + 3)..];
        rest = rest.Split('/')[0];
        rest = rest[(rest.LastIndexOf('@') + 1)..];
        string host = rest.StartsWith('[') ? rest.Split(']')[0][1..] : rest.Split(':')[0];
        host = host.TrimEnd('.');
        if (host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)) return true;
        if (!IPAddress.TryParse(host, out IPAddress? address)) return false;
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        return IPAddress.IsLoopback(address) || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);
    }
}
