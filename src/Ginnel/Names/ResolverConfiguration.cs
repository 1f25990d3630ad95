using System.Globalization;
using System.Net;

namespace Ginnel;

/// <summary>What a resolv.conf says.</summary>
/// <param name="Servers">Name servers in order, at most <see cref="MaxServers"/>.</param>
/// <param name="Search">Domains to append to short names, in order.</param>
/// <param name="Options">Words of the options lines, as they stand.</param>
public sealed record ResolverConfiguration(IReadOnlyList<IPEndPoint> Servers, IReadOnlyList<string> Search, IReadOnlyList<string> Options)
{
    /// <summary>More servers than this are not asked, as in the C library.</summary>
    public const int MaxServers = 3;

    private const int MaxSearch = 32, MaxOptions = 32, DnsPort = 53;

    /// <summary>No servers: every question fails.</summary>
    public static ResolverConfiguration Empty { get; } = new([], [], []);

    /// <summary>How long to wait for one server, where the file says; 1–30 s (resolv.conf(5), timeout:n).</summary>
    public TimeSpan? Timeout => Number("timeout:") is { } seconds ? TimeSpan.FromSeconds(Math.Clamp(seconds, 1, 30)) : null;

    /// <summary>Whether questions begin at another server each time (rotate).</summary>
    public bool Rotate => Options.Contains("rotate");

    /// <summary>Reads the format of resolv.conf(5). What it does not know it skips, as the C library does.</summary>
    public static ResolverConfiguration Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<IPEndPoint> servers = [];
        List<string> search = [], options = [];
        foreach (ReadOnlySpan<char> line in text.AsSpan().EnumerateLines())
        {
            // A comment begins with ; or # in the first column only.
            if (line.IsEmpty || line[0] is ';' or '#') continue;
            string[] words = line.ToString().Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 2) continue;
            switch (words[0])
            {
                case "nameserver" when servers.Count < MaxServers && IPAddress.TryParse(words[1], out IPAddress? address):
                    servers.Add(new IPEndPoint(address, DnsPort));
                    break;
                // The last of domain and search lines counts.
                case "domain" or "search":
                    search = [.. words.Skip(1).Take(MaxSearch)];
                    break;
                case "options":
                    options.AddRange(words.Skip(1).Take(MaxOptions - options.Count));
                    break;
            }
        }
        return new(servers, search, options);
    }

    private int? Number(string prefix)
    {
        foreach (string option in Options)
        {
            if (option.StartsWith(prefix, StringComparison.Ordinal)
                && int.TryParse(option.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int value)) return value;
        }
        return null;
    }
}

/// <summary>Tells which name servers to ask now.</summary>
public interface IResolverSource
{
    /// <summary>The configuration as of now; called for every question, hence quick.</summary>
    ResolverConfiguration Current { get; }
}

/// <summary>Always the same servers.</summary>
public sealed class FixedResolverSource(ResolverConfiguration configuration) : IResolverSource
{
    /// <inheritdoc/>
    public ResolverConfiguration Current { get; } = configuration;

    /// <summary>These servers at port 53, without search domains.</summary>
    public static FixedResolverSource Of(IEnumerable<IPAddress> servers) => new(new([.. servers.Select(a => new IPEndPoint(a, 53))], [], []));
}
