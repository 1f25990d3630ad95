using Ginnel.PacketScripts.Running;
using Ginnel.PacketScripts.Syntax;

namespace Ginnel.PacketScripts;

/// <summary>How the command runs files: with a profile that was chosen, or with the one that a script turns out to be written for.</summary>
/// <param name="system">The profile; null to try each.</param>
/// <param name="strict">Whether whatever the stack sends must be expected.</param>
/// <param name="defaults">Options that hold for each script unless it says otherwise.</param>
internal sealed class Options(SystemKind? system, bool strict, IReadOnlyList<ScriptOption> defaults)
{
    private static readonly SystemKind[] InOrder = [SystemKind.Linux, SystemKind.Ginnel, SystemKind.FreeBsd];

    /// <summary>Reads the command line: <c>--profile=linux|ginnel|freebsd</c>, <c>--strict</c>, and options of scripts. What is wrong, or null.</summary>
    internal static string? TryParse(string[] arguments, out Options options)
    {
        SystemKind? system = null;
        bool strict = false;
        List<ScriptOption> defaults = [];
        options = new Options(null, false, []);
        foreach (string argument in arguments.Where(each => !each.EndsWith(".pkt", StringComparison.Ordinal)))
        {
            if (argument == "--strict") { strict = true; continue; }
            string[] pair = argument.Split('=', 2);
            if (!argument.StartsWith("--", StringComparison.Ordinal)) return $"'{argument}' is no script (*.pkt) and no option (--profile=, --strict, or an option of scripts)";
            if (pair[0] != "--profile") { defaults.Add(new ScriptOption(0, pair[0][2..], pair.Length > 1 ? pair[1] : "")); continue; }
            if (pair.Length < 2 || !Enum.TryParse(pair[1], ignoreCase: true, out SystemKind chosen) || !Enum.IsDefined(chosen)) return $"{argument}: linux, ginnel or freebsd expected";
            system = chosen;
        }
        options = new Options(system, strict, defaults);
        return null;
    }

    /// <summary>Why the script failed; null when it passed.</summary>
    internal string? Run(string file)
    {
        try
        {
            return Run(file, File.ReadAllText(file));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return error.Message;
        }
    }

    /// <summary>
    /// Runs a text. A script does not say which system it was written for: without a chosen profile it passes when it passes with one, and
    /// the failure that is told is that of the profile that came furthest.
    /// </summary>
    internal string? Run(string name, string text)
    {
        ScriptException? furthest = null;
        foreach (SystemKind each in system is { } chosen ? [chosen] : InOrder)
        {
            try
            {
                Script script = Parser.Parse(name, text);
                new ScriptRunner(script with { Options = [.. defaults, .. script.Options] }, each, strict).Run();
                return null;
            }
            catch (ScriptException error)
            {
                if (furthest is null || error.Line > furthest.Line) furthest = error;
            }
            catch (Exception error) when (error is not OutOfMemoryException)
            {
                // A fault of the interpreter or of the stack, not of the script: told as a failure, so that the other files still run.
                return $"line 0: the interpreter failed: {error.GetType().Name}: {error.Message}";
            }
        }
        return furthest!.Message;
    }
}
