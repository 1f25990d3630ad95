using Ginnel.PacketScripts.Running;
using Ginnel.PacketScripts.Syntax;

namespace Ginnel.PacketScripts;

/// <summary>Runs the script files it is given, one line each; without any it is the test assembly.</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        string[] files = [.. arguments.Where(argument => argument.EndsWith(".pkt", StringComparison.Ordinal))];
        if (files.Length == 0) return RunTests(arguments).GetAwaiter().GetResult();
        bool strict = arguments.Contains("--strict");
        int failed = 0;
        foreach (string file in files)
        {
            string? reason = RunFile(file, strict);
            Console.WriteLine(reason is null ? $"ok {file}" : $"not ok {file}: {reason}");
            if (reason is not null) failed++;
        }
        return failed == 0 ? 0 : 1;
    }

    // As in every other test assembly: dotnet test speaks the platform's protocol, ./test the runner's own options.
    private static Task<int> RunTests(string[] arguments) =>
        arguments.Any(word => word is "--server" or "--internal-msbuild-node")
            ? Xunit.MicrosoftTestingPlatform.TestPlatformTestFramework.RunAsync(arguments, SelfRegisteredExtensions.AddSelfRegisteredExtensions)
            : Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(arguments);

    /// <summary>Why the script failed; null when it passed.</summary>
    internal static string? RunFile(string file, bool strict)
    {
        try
        {
            new ScriptRunner(Parser.Parse(file, File.ReadAllText(file)), strict).Run();
            return null;
        }
        catch (Exception error) when (error is ScriptException or IOException or UnauthorizedAccessException)
        {
            return error.Message;
        }
    }
}
