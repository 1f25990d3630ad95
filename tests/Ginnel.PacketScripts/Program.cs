namespace Ginnel.PacketScripts;

/// <summary>Runs the script files it is given, one line each; without any it is the test assembly.</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        string[] files = [.. arguments.Where(argument => argument.EndsWith(".pkt", StringComparison.Ordinal))];
        if (files.Length == 0) return RunTests(arguments).GetAwaiter().GetResult();
        string? wrong = Options.TryParse(arguments, out Options options);
        if (wrong is not null)
        {
            Console.Error.WriteLine(wrong);
            return 2;
        }
        string?[] reasons = new string?[files.Length];
        Parallel.For(0, files.Length, i => reasons[i] = options.Run(files[i]));
        for (int i = 0; i < files.Length; i++) Console.WriteLine(reasons[i] is { } reason ? $"not ok {files[i]}: {reason}" : $"ok {files[i]}");
        return reasons.All(reason => reason is null) ? 0 : 1;
    }

    // As in every other test assembly: dotnet test speaks the platform's protocol, ./test the runner's own options.
    private static Task<int> RunTests(string[] arguments) =>
        arguments.Any(word => word is "--server" or "--internal-msbuild-node")
            ? Xunit.MicrosoftTestingPlatform.TestPlatformTestFramework.RunAsync(arguments, SelfRegisteredExtensions.AddSelfRegisteredExtensions)
            : Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(arguments);
}
