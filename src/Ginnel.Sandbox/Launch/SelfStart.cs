using System.Runtime.InteropServices;

namespace Ginnel.Sandbox.Launch;

/// <summary>How this executable is started anew.</summary>
/// <param name="Words">The words that precede the hidden verb.</param>
/// <param name="Variables">What must stand in an environment that is otherwise empty.</param>
internal sealed record SelfStart(IReadOnlyList<string> Words, IReadOnlyList<(string Name, string Value)> Variables)
{
    /// <summary>Keeps sockets for debuggers out of /tmp, which an execve or a kill would leave behind.</summary>
    public const string NoDiagnostics = "DOTNET_EnableDiagnostics";

    /// <summary>By the words of the caller's, or by the path of the running executable.</summary>
    /// <exception cref="LaunchException">That is not known.</exception>
    public static SelfStart For(LaunchOptions options) => new(options.SelfCommand ?? OwnCommand(), [(NoDiagnostics, "0"), .. Runtime()]);

    private static IReadOnlyList<string> OwnCommand()
    {
        string path = Environment.ProcessPath ?? throw new LaunchException(LaunchFailure.Other, "The path of this executable is not known.");
        // Started as "dotnet Ginnel.Cli.dll": the executable alone would not know what to run.
        return Path.GetFileName(path) == "dotnet" ? [path, Environment.GetCommandLineArgs()[0]] : [path];
    }

    /// <summary>The runtime that runs us, wherever it was found: ROOT/shared/Microsoft.NETCore.App/VERSION. None if it came with us.</summary>
    private static IEnumerable<(string Name, string Value)> Runtime()
    {
        string root = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        if (Directory.Exists(Path.Combine(root, "host", "fxr"))) yield return ("DOTNET_ROOT", root);
    }
}
