using System.Text;
using Ginnel.Cli.CommandLine;
using Ginnel.Sandbox;

namespace Ginnel.Cli.Commands;

/// <summary><c>ginnel run</c>.</summary>
internal static class RunCommand
{
    private const int OurFailure = 125;

    /// <summary>Runs the command and returns its exit code.</summary>
    public static async Task<int> RunAsync(OptionValues options, IReadOnlyList<string> arguments, CutArguments cut)
    {
        try
        {
            using FlowReport report = FlowReport.Open(options);
            RunOptions run = NetworkOptions.ReadRun(options, CommandWords(arguments, cut), report) with
            {
                HostLoopback = options.Has("--host-loopback"),
                NameServers = NetworkOptions.ReadNameServers(options),
                Publish = [.. options.List("--publish").Select(ReadPublish)],
            };
            if (ProxyVariables.Warning(Environment.GetEnvironmentVariables(), run.HostLoopback) is { } warning) Console.Error.WriteLine($"ginnel: {warning}");
            return await ToExitCodeAsync(run, null).ConfigureAwait(false);
        }
        catch (UsageException wrong)
        {
            Console.Error.WriteLine($"ginnel: {wrong.Message}");
            return cut.Command.Details.UsageExitCode;
        }
    }

    /// <summary>Runs a program and turns its end, or our failure, into an exit code.</summary>
    public static async Task<int> ToExitCodeAsync(RunOptions run, WayOut? way)
    {
        try
        {
            ExitStatus status = await RunSession.RunAsync(run, way).ConfigureAwait(false);
            run.FlowLog?.Flush();
            return status.Imitate();
        }
        catch (LaunchException failure)
        {
            Console.Error.WriteLine($"ginnel: {failure.Message}");
            if (failure.Remedy is { } remedy) Console.Error.WriteLine($"ginnel: {remedy}");
            return failure.ExitCode;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or System.Net.Sockets.SocketException)
        {
            Console.Error.WriteLine($"ginnel: {failure.Message}");
            return OurFailure;
        }
    }

    /// <summary>The user's command, byte for byte; the shell where there is none.</summary>
    public static IReadOnlyList<byte[]> CommandWords(IReadOnlyList<string> arguments, CutArguments cut)
    {
        if (cut.TailIndex < arguments.Count) return RawArguments.Tail(arguments, cut.TailIndex);
        string? shell = Environment.GetEnvironmentVariable("SHELL");
        return [Encoding.UTF8.GetBytes(string.IsNullOrEmpty(shell) ? "/bin/sh" : shell)];
    }

    private static PublishRule ReadPublish(string text) =>
        PublishRule.TryParse(text, out PublishRule rule, out string? error) ? rule : throw new UsageException($"--publish: {error}");
}
