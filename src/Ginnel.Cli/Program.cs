using Ginnel.Cli.CommandLine;
using Ginnel.Cli.Commands;
using Ginnel.Linux.Launch;
using Ginnel.Sandbox;

namespace Ginnel.Cli;

/// <summary>The <c>ginnel</c> binary: cuts the argument vector, parses our part of it, and starts the command.</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        if (arguments is [NamespaceVerb.Word, ..])
        {
            // This executable, started by itself inside fresh namespaces: it is about to become the program.
            DiagnosticFiles.Remove();
            return NamespaceVerb.Run(arguments);
        }
        TidyUp.Start();
        Caller = CallerRecord.Take(ref arguments);
        GinnelCommand root = CommandTree.Create();
        if (arguments is ["__doc", "cli"]) return Print(ReferenceText.Compose(root));
        CutArguments cut = EnvironmentOptions.Complete(ArgumentCut.Cut(root, arguments), Environment.GetEnvironmentVariable);
        if (cut.Error is { } error)
        {
            Console.Error.WriteLine($"ginnel: {error}");
            string target = ReferenceEquals(cut.Command, root) ? "ginnel" : $"ginnel {cut.Command.Name}";
            Console.Error.WriteLine($"ginnel: '{target} --help' tells what is possible");
            return cut.Command.Details.UsageExitCode;
        }
        OptionValues options = new(cut);
        if (options.Has("--help")) return Print(HelpText.Of(cut.Command, Width));
        return cut.Command.Name switch
        {
            "run" => RunCommand.RunAsync(options, arguments, cut).GetAwaiter().GetResult().Imitate(),
            "proxy" => ProxyCommand.RunAsync(options).GetAwaiter().GetResult(),
            "ctl" => CtlCommand.RunAsync(options, OptionValues.Words(cut)).GetAwaiter().GetResult(),
            "exit" => ExitCommand.RunAsync(options, cut.Command).GetAwaiter().GetResult(),
            "entrance" => EntranceCommand.RunAsync(options, arguments, cut).GetAwaiter().GetResult().Imitate(),
            "doctor" => DoctorCommand.RunAsync().GetAwaiter().GetResult(),
            "completion" => Complete(root, cut),
            _ => Root(root, options),
        };
    }

    /// <summary>Beside the rest of the start; Main's end waits for it.</summary>
    private static Thread TidyUp { get; } = new(DiagnosticFiles.Remove) { Name = "tidying up" };

    /// <summary>What the launcher script saw of our caller; for whoever launches a program.</summary>
    internal static CallerRecord Caller { get; private set; }

    /// <summary>Ends this process at once, as the program ended; nothing may be left to be written.</summary>
    internal static void End(ExitStatus status)
    {
        TidyUp.Join();
        OwnProcess.End(status.Imitate());
    }

    private static int Root(GinnelCommand root, OptionValues options)
    {
        if (options.Has("--version")) return Print(ProgramVersion.Text + "\n");
        Console.Error.Write(HelpText.Of(root, Width));
        return root.Details.UsageExitCode;
    }

    private static int Complete(GinnelCommand root, CutArguments cut)
    {
        if (OptionValues.Word(cut) is { } shell) return Print(CompletionText.Compose(root, shell));
        Console.Error.WriteLine($"ginnel: which shell? ginnel {cut.Command.Details.Usage}");
        return cut.Command.Details.UsageExitCode;
    }

    private static int Width => Console.IsOutputRedirected ? 80 : Console.WindowWidth;

    private static int Print(string text)
    {
        Console.Out.Write(text);
        return 0;
    }
}
