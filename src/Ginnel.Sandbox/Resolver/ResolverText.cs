using System.Text;

namespace Ginnel.Sandbox.Resolver;

/// <summary>Writes the resolv.conf that the program sees.</summary>
internal static class ResolverText
{
    private const int MostBytes = 64 << 10;

    /// <summary>Our name servers, with the search list and the options of the host's file, which may be absent.</summary>
    public static string Compose(IEnumerable<System.Net.IPAddress> nameServers, string hostFile)
    {
        StringBuilder text = new();
        foreach (string line in ReadHostLines(hostFile))
        {
            if (line.StartsWith("search", StringComparison.Ordinal) || line.StartsWith("domain", StringComparison.Ordinal)
                || line.StartsWith("options", StringComparison.Ordinal))
            {
                text.Append(line.TrimEnd()).Append('\n');
            }
        }
        foreach (System.Net.IPAddress server in nameServers) text.Append("nameserver ").Append(server).Append('\n');
        return text.ToString();
    }

    private static IEnumerable<string> ReadHostLines(string path)
    {
        try
        {
            FileInfo file = new(path);
            return file.Exists && file.Length <= MostBytes ? File.ReadAllLines(path) : [];
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
