using System.Text;
using Ginnel.Cli.CommandLine;
using Ginnel.Sandbox;

namespace Ginnel.Cli.Commands;

/// <summary><c>ginnel run</c>.</summary>
internal static class RunCommand
{
    private const int OurFailure = 125;

    /// <summary>Runs the command.</summary>
    /// <returns>How it ended, for this process to end likewise once all is put away.</returns>
    public static async Task<ExitStatus> RunAsync(OptionValues options, IReadOnlyList<string> arguments, CutArguments cut)
    {
        try
        {
            await using FlowReport report = FlowReport.Open(options);
            RunOptions run = NetworkOptions.ReadRun(options, CommandWords(arguments, cut), report) with
            {
                HostLoopback = options.Has("--host-loopback"),
                NameServers = NetworkOptions.ReadNameServers(options),
                Publish = options.List("--publish", ReadPublish),
                // What is still to be written is put away in order.
                Over = report.Log is null ? Program.End : null,
            };
            if (ProxyVariables.Warning(Environment.GetEnvironmentVariables(), run.HostLoopback) is { } warning) Console.Error.WriteLine($"ginnel: {warning}");
            return await ToStatusAsync(run, null).ConfigureAwait(false);
        }
        catch (UsageException wrong)
        {
            Console.Error.WriteLine($"ginnel: {wrong.Message}");
            return new ExitStatus(cut.Command.Details.UsageExitCode, 0);
        }
    }

    /// <summary>Runs a program; our own failure becomes an exit code.</summary>
    public static async Task<ExitStatus> ToStatusAsync(RunOptions run, WayOut? way)
    {
        try
        {
            return await RunSession.RunAsync(run, way).ConfigureAwait(false);
        }
        catch (LaunchException failure)
        {
            Console.Error.WriteLine($"ginnel: {failure.Message}");
            if (failure.Remedy is { } remedy) Console.Error.WriteLine($"ginnel: {remedy}");
            return new ExitStatus(failure.ExitCode, 0);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or System.Net.Sockets.SocketException)
        {
            Console.Error.WriteLine($"ginnel: {failure.Message}");
            return new ExitStatus(OurFailure, 0);
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
