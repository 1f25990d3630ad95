using System.Globalization;

namespace Ginnel.Cli;

/// <summary>
/// The socket and the pipes that the runtime makes for debuggers in the temporary folder. It removes them at an orderly end, but neither
/// after SIGKILL nor when a program replaces us by execve: so that nothing is ever left behind they go at the start. No setting of
/// the runtime's configuration file prevents them, and the environment is the program's.
/// </summary>
internal static class DiagnosticFiles
{
    /// <summary>Removes those of this process. What cannot be removed stays: it harms nobody.</summary>
    public static void Remove()
    {
        try
        {
            // The runtime tells processes of one id apart by their start time: proc_pid_stat(5), field 22; the name in field 2 may hold blanks.
            string stat = File.ReadAllText("/proc/self/stat");
            string start = stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19];
            string of = string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}-{start}");
            string folder = Path.GetTempPath();
            File.Delete(Path.Combine(folder, $"dotnet-diagnostic-{of}-socket"));
            File.Delete(Path.Combine(folder, $"clr-debug-pipe-{of}-in"));
            File.Delete(Path.Combine(folder, $"clr-debug-pipe-{of}-out"));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or IndexOutOfRangeException)
        {
        }
    }
}
