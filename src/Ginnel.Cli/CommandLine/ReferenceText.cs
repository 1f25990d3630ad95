using System.Text;

namespace Ginnel.Cli.CommandLine;

/// <summary>Writes docs/cli.md from the tree; a test fails when the file differs.</summary>
internal static class ReferenceText
{
    /// <summary>The whole document.</summary>
    public static string Compose(GinnelCommand root)
    {
        StringBuilder text = new("# The command line\n\nWritten from the code by `eng/documents`; a test fails when it is stale.\n");
        Append(text, root, "ginnel");
        foreach (GinnelCommand command in root.Subcommands) Append(text, command, $"ginnel {command.Name}");
        return text.ToString();
    }

    private static void Append(StringBuilder text, GinnelCommand command, string title)
    {
        text.Append($"\n## {title}\n\n{command.Description}\n\n```\nginnel {command.Details.Usage}\n```\n");
        foreach (string paragraph in command.Details.Text) text.Append($"\n{paragraph}\n");
        if (command.Subcommands.Count > 0) Table(text, "command", command.Subcommands.Select(c => ($"`{c.Name}`", c.Description)));
        Table(text, "option", command.Options.Select(o => ($"`{HelpText.NameOf(o)}`", HelpText.MeaningOf(o))));
        if (command.Details.Examples.Count > 0)
        {
            text.Append("\n```sh\n");
            foreach ((string line, string meaning) in command.Details.Examples) text.Append($"# {meaning}\n{line}\n");
            text.Append("```\n");
        }
        Table(text, "exit code", command.Details.ExitCodes);
    }

    private static void Table(StringBuilder text, string title, IEnumerable<(string Name, string Meaning)> rows)
    {
        text.Append($"\n| {title} | |\n|---|---|\n");
        foreach ((string name, string meaning) in rows) text.Append($"| {Cell(name)} | {Cell(meaning)} |\n");
    }

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);
}
