using System.Text;
using Ginnel.Linux;
using Ginnel.Linux.Launch;

namespace Ginnel.Sandbox.Launch;

/// <summary>Finds what execvp would find, so that a missing program is reported before anything is built for it.</summary>
internal static class Executable
{
    /// <summary>Throws unless the command can be found and executed.</summary>
    /// <exception cref="LaunchException">Not found (127) or not executable (126).</exception>
    public static void Require(ReadOnlySpan<byte> command, IReadOnlyList<byte[]> environment)
    {
        string name = Encoding.UTF8.GetString(command);
        if (command.IsEmpty) throw new LaunchException(LaunchFailure.CommandNotFound, "The command is empty.");
        // A name that is not UTF-8 cannot be tested through .NET's strings; execve judges it.
        if (!Encoding.UTF8.GetBytes(name).AsSpan().SequenceEqual(command)) return;
        if (name.Contains('/'))
        {
            Judge(name, name);
            return;
        }
        string? denied = null;
        foreach (string folder in SearchPath(environment))
        {
            string path = folder.Length == 0 ? "./" + name : Path.Combine(folder, name);
            if (IsExecutable(path)) return;
            if (File.Exists(path)) denied ??= path;
        }
        if (denied is not null) Judge(name, denied);
        throw new LaunchException(LaunchFailure.CommandNotFound, $"{name}: command not found in PATH.");
    }

    /// <summary>Whether it is a file that this user may execute.</summary>
    public static bool IsExecutable(string path) => File.Exists(path) && AccessCheck.MayExecute(path);

    /// <summary>Why a program that was found could not be executed in the end.</summary>
    public static LaunchException Explain(ReadOnlySpan<byte> command, int error) => new(
        error is Errno.NoEntry or Errno.NotDirectory ? LaunchFailure.CommandNotFound : LaunchFailure.CommandNotExecutable,
        new LinuxException("execve", error, Encoding.UTF8.GetString(command)).Message);

    private static void Judge(string name, string path)
    {
        if (Directory.Exists(path)) throw new LaunchException(LaunchFailure.CommandNotExecutable, $"{name}: is a directory.");
        if (!File.Exists(path)) throw new LaunchException(LaunchFailure.CommandNotFound, $"{name}: no such file.");
        if (!AccessCheck.MayExecute(path))
        {
            throw new LaunchException(LaunchFailure.CommandNotExecutable, $"{path}: permission denied.",
                "Is it executable (chmod +x), and its file system not mounted noexec?");
        }
    }

    private static string[] SearchPath(IReadOnlyList<byte[]> environment)
    {
        foreach (byte[] entry in environment)
        {
            if (entry.AsSpan().StartsWith("PATH="u8)) return Encoding.UTF8.GetString(entry.AsSpan(5)).Split(':');
        }
        return ["/bin", "/usr/bin"];
    }
}
