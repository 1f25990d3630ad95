namespace Ginnel.Cli.CommandLine;

/// <summary>The argument vector, cut where our words end.</summary>
/// <param name="Command">The command that the words name; the root where they name none.</param>
/// <param name="Head">The command's name and its options with their values, in the form <c>--option=value</c>.</param>
/// <param name="TailIndex">Index of the first word that belongs to the user's command; the vector's length where there is none.</param>
/// <param name="Error">What is wrong with our words; null when nothing is.</param>
internal readonly record struct CutArguments(GinnelCommand Command, IReadOnlyList<string> Head, int TailIndex, string? Error);

/// <summary>
/// Finds the first word that is neither an option of ours nor an option's value. From there on everything belongs to the user's command, byte
/// for byte. What is wrong in our own words is found here too, because here it is known which word it was.
/// </summary>
internal static class ArgumentCut
{
    /// <summary>Cuts.</summary>
    public static CutArguments Cut(GinnelCommand root, IReadOnlyList<string> arguments)
    {
        GinnelCommand command = root;
        List<string> head = [];
        int index = 0;
        while (index < arguments.Count)
        {
            string word = arguments[index];
            if (word == "--" && command.Details.TakesCommand) return new(command, head, index + 1, null);
            if (IsOption(word))
            {
                if (TakeOption(command, arguments, ref index, head) is { } error) return new(command, head, index, error);
                continue;
            }
            if (ReferenceEquals(command, root))
            {
                if (root.Subcommands.Find(c => c.Name == word) is not { } found) return new(root, head, index, UnknownCommand(root, word));
                command = found;
                head.Add(word);
                index++;
                continue;
            }
            if (command.Details.TakesCommand) break;
            if (command.Details.Words.Count == 0) return new(command, head, index, $"'{word}' is one word too many: ginnel {command.Name} takes options only");
            bool isFirst = !head.Skip(1).Any(earlier => !earlier.StartsWith('-'));
            if (isFirst ? !command.Details.Words.Contains(word) : !command.Details.TakesFurtherWords) return new(command, head, index, $"'{word}' is not possible here: ginnel {command.Details.Usage}");
            head.Add(word);
            index++;
        }
        return new(command, head, index, null);
    }

    /// <summary>A lone dash is a word: many programs read standard input for it.</summary>
    private static bool IsOption(string word) => word.Length > 1 && word[0] == '-' && word != "--";

    private static string? TakeOption(GinnelCommand command, IReadOnlyList<string> arguments, ref int index, List<string> head)
    {
        string word = arguments[index];
        int equals = word.IndexOf('=', StringComparison.Ordinal);
        string name = equals < 0 ? word : word[..equals];
        Option? option = command.Options.Find(o => o.IsCalled(name));
        if (option is null) return UnknownOption(command, name);
        if (option is not ValueOption valued)
        {
            if (equals >= 0) return $"{name} takes no value, but was given '{word[(equals + 1)..]}'";
            head.Add(option.Name);
            index++;
            return null;
        }
        if (equals < 0 && index + 1 >= arguments.Count) return $"{name} needs a value: {name} {valued.ValueName}";
        string value = equals < 0 ? arguments[index + 1] : word[(equals + 1)..];
        // "--pcap -- curl" is a forgotten value rather than a file of that name; "--pcap=--" says that it is meant.
        if (equals < 0 && value == "--") return $"{name} needs a value: {name} {valued.ValueName}";
        if (value.Length == 0) return $"{name} needs a value that is not empty: {name} {valued.ValueName}";
        string entry = $"{option.Name}={value}";
        if (!valued.IsList && head.Exists(earlier => earlier.StartsWith(option.Name + "=", StringComparison.Ordinal))) return $"{option.Name} can be given once only";
        head.Add(entry);
        index += equals < 0 ? 2 : 1;
        return null;
    }

    private static string UnknownOption(GinnelCommand command, string name)
    {
        IEnumerable<string> known = command.Options.SelectMany(o => o.Aliases.Prepend(o.Name));
        string hint = NearestWord.To(name, known) is { } nearest ? $"; the nearest is {nearest}" : "";
        return $"unknown option {name}{hint}";
    }

    private static string UnknownCommand(GinnelCommand root, string word)
    {
        if (word == "install") return "install belongs to the script at the root of the source tree: ./ginnel install [--prefix DIR]";
        string? nearest = NearestWord.To(word, root.Subcommands.Select(c => c.Name));
        return $"unknown command '{word}'; {(nearest is null ? $"to run a program of that name: ginnel run -- {word}" : $"the nearest is '{nearest}'")}";
    }
}
