using Ginnel.Cli.CommandLine;

namespace Ginnel.Cli;

/// <summary>The <c>ginnel</c> binary: cuts the argument vector, parses our part of it, and starts the command.</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        GinnelCommand root = CommandTree.Create();
        CutArguments cut = ArgumentCut.Cut(root, arguments);
        if (cut.Error is { } error)
        {
            Console.Error.WriteLine($"ginnel: {error}");
            string target = ReferenceEquals(cut.Command, root) ? "ginnel" : $"ginnel {cut.Command.Name}";
            Console.Error.WriteLine($"ginnel: '{target} --help' tells what is possible");
            return cut.Command.Details.UsageExitCode;
        }
        OptionValues options = OptionValues.Parse(root, cut);
        if (options.Has("--help")) return Print(HelpText.Of(cut.Command, Width));
        return cut.Command.Name switch
        {
            "completion" => Complete(root, cut),
            _ => Root(root, options),
        };
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
