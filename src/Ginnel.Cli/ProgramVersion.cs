using System.Reflection;

namespace Ginnel.Cli;

/// <summary>The version and the commit, as the build wrote them into the assembly.</summary>
internal static class ProgramVersion
{
    /// <summary><c>ginnel 0.1.0 (commit 0123abc…)</c>; the commit is "unknown" when the build found none.</summary>
    public static string Text
    {
        get
        {
            string full = typeof(ProgramVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";
            int plus = full.IndexOf('+', StringComparison.Ordinal);
            return plus < 0 ? $"ginnel {full} (commit unknown)" : $"ginnel {full[..plus]} (commit {full[(plus + 1)..]})";
        }
    }
}
