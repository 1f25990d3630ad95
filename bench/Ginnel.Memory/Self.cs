namespace Ginnel.Memory;

/// <summary>How this program is started once more.</summary>
internal static class Self
{
    /// <summary>The words before the arguments: the program, or the runtime and the assembly.</summary>
    internal static string[] Command { get; } = Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet"
        ? [Environment.ProcessPath!, typeof(Self).Assembly.Location] : [Environment.ProcessPath!];
}
