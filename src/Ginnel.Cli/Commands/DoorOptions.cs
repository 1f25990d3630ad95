using Ginnel.Cli.CommandLine;
using Ginnel.Proxy;
using Ginnel.ProxyProtocols;

namespace Ginnel.Cli.Commands;

/// <summary>Reads <c>--socks5</c>, <c>--http</c> and what their clients must present.</summary>
internal static class DoorOptions
{
    /// <summary>Where a container may put user and password themselves.</summary>
    public const string UserVariable = "GINNEL_PROXY_USER";

    /// <summary>The doors of the options and of the file.</summary>
    /// <exception cref="UsageException">One says something wrong, or would be open to everybody.</exception>
    public static IReadOnlyList<ProxyDoor> Read(OptionValues options, ProxyConfiguration configuration)
    {
        ProxyCredentials? credentials = Credentials(options);
        List<ProxyDoor> doors = [.. configuration.Doors];
        foreach ((string option, DoorKind kind) in (ReadOnlySpan<(string, DoorKind)>)[("--socks5", DoorKind.Socks5), ("--http", DoorKind.Http)])
            doors.AddRange(options.List(option).Select(text => new ProxyDoor(kind, ProxySettings.EndPointOf(option, text), credentials)));
        if (doors.Select(door => door.Refusal).FirstOrDefault(why => why is not null) is { } refusal) throw new UsageException($"{refusal} (--proxy-user-file)");
        return doors;
    }

    private static ProxyCredentials? Credentials(OptionValues options)
    {
        string? line = options.Value("--proxy-user-file") is { } path ? FileLine(path) : Environment.GetEnvironmentVariable(UserVariable);
        if (string.IsNullOrEmpty(line)) return null;
        int colon = line.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0) throw new UsageException("--proxy-user-file: a line user:password is wanted");
        try
        {
            return new ProxyCredentials(line[..colon], line[(colon + 1)..]);
        }
        catch (ArgumentException)
        {
            throw new UsageException("--proxy-user-file: user and password have 1 to 255 bytes each");
        }
    }

    private static string FileLine(string path)
    {
        try
        {
            const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
            if ((File.GetUnixFileMode(path) & Others) != 0) throw new UsageException($"--proxy-user-file: others than its owner can read or change {path}: chmod 600 {path}");
            return File.ReadLines(path).FirstOrDefault()?.Trim() is { Length: > 0 } line ? line : throw new UsageException($"--proxy-user-file: {path} is empty");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--proxy-user-file: {path} cannot be read: {failure.Message}");
        }
    }
}
