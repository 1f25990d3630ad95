namespace Ginnel.Cli.Commands;

/// <summary>How this program starts itself anew.</summary>
internal static class SelfCommand
{
    /// <summary>The executable, or the host program and the assembly where that was how it was started.</summary>
    public static IReadOnlyList<string>? Words
    {
        get
        {
            string? path = Environment.ProcessPath;
            if (path is null) return null;
            bool isHost = Path.GetFileNameWithoutExtension(path) == "dotnet";
            return isHost ? [path, Path.Combine(AppContext.BaseDirectory, "Ginnel.Cli.dll")] : [path];
        }
    }
}
