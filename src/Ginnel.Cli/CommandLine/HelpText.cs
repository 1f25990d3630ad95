using System.Text;

namespace Ginnel.Cli.CommandLine;

/// <summary>Writes a command's help.</summary>
internal static class HelpText
{
    private const int Narrowest = 50, Widest = 100, NameColumn = 26;

    /// <summary>The help of a command, in lines of the given width.</summary>
    public static string Of(GinnelCommand command, int width)
    {
        width = Math.Clamp(width, Narrowest, Widest);
        StringBuilder text = new();
        text.Append("Usage: ginnel ").Append(command.Details.Usage).Append("\n\n");
        Wrap(text, command.Description, 0, width);
        foreach (string paragraph in command.Details.Text)
        {
            text.Append('\n');
            Wrap(text, paragraph, 0, width);
        }
        if (command.Subcommands.Count > 0) Section(text, "Commands", command.Subcommands.Select(c => (c.Name, c.Description)), width);
        Section(text, "Options", command.Options.Select(o => (NameOf(o), MeaningOf(o))), width);
        if (command.Details.Examples.Count > 0)
        {
            text.Append("\nExamples:\n");
            foreach ((string line, string meaning) in command.Details.Examples)
            {
                text.Append("  ").Append(line).Append('\n');
                Wrap(text, meaning, 6, width);
            }
        }
        Section(text, "Exit codes", command.Details.ExitCodes, width);
        if (command.Subcommands.Count > 0) text.Append("\nginnel COMMAND --help tells more about each.\n");
        return text.ToString();
    }

    /// <summary>An option with its aliases, shortest first, and its value's name.</summary>
    public static string NameOf(Option option)
    {
        string names = string.Join(", ", option.Aliases.Append(option.Name).OrderBy(n => n.Length));
        return option is ValueOption valued ? $"{names} {valued.ValueName}" : names;
    }

    /// <summary>What an option does, with its default and whether it may be repeated.</summary>
    public static string MeaningOf(Option option)
    {
        if (option is not ValueOption valued) return option.Description;
        string text = option.Description;
        if (valued.IsList) text += " May be given more than once.";
        if (valued.Default is { } fallback) text += $" Default: {fallback}.";
        return text;
    }

    private static void Section(StringBuilder text, string title, IEnumerable<(string Name, string Meaning)> rows, int width)
    {
        List<(string Name, string Meaning)> list = [.. rows];
        if (list.Count == 0) return;
        text.Append('\n').Append(title).Append(":\n");
        foreach ((string name, string meaning) in list)
        {
            text.Append("  ").Append(name);
            if (name.Length + 4 > NameColumn)
            {
                text.Append('\n').Append(' ', NameColumn);
            }
            else
            {
                text.Append(' ', NameColumn - 2 - name.Length);
            }
            Wrap(text, meaning, NameColumn, width, isIndented: true);
        }
    }

    private static void Wrap(StringBuilder text, string paragraph, int indent, int width, bool isIndented = false)
    {
        if (!isIndented) text.Append(' ', indent);
        int column = indent;
        foreach (string word in paragraph.Split(' '))
        {
            if (column > indent && column + 1 + word.Length > width)
            {
                text.Append('\n').Append(' ', indent);
                column = indent;
            }
            if (column > indent)
            {
                text.Append(' ');
                column++;
            }
            text.Append(word);
            column += word.Length;
        }
        text.Append('\n');
    }
}
