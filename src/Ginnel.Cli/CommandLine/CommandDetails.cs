namespace Ginnel.Cli.CommandLine;

/// <summary>What help, documents and completion say about a command.</summary>
internal sealed class CommandDetails
{
    /// <summary>What follows the command's name in the usage line.</summary>
    public required string Usage { get; init; }

    /// <summary>Paragraphs below the usage line; each is wrapped.</summary>
    public IReadOnlyList<string> Text { get; init; } = [];

    /// <summary>A command line and what it does.</summary>
    public IReadOnlyList<(string Line, string Meaning)> Examples { get; init; } = [];

    /// <summary>Exit codes and what they mean.</summary>
    public IReadOnlyList<(string Code, string Meaning)> ExitCodes { get; init; } = [];

    /// <summary>Whether the first word that is neither an option of ours nor its value begins a command of the user's.</summary>
    public bool TakesCommand { get; init; }

    /// <summary>The words of which one must follow, or none.</summary>
    public IReadOnlyList<string> Words { get; init; } = [];

    /// <summary>Whether further words may follow the one of <see cref="Words"/>; the command judges them.</summary>
    public bool TakesFurtherWords { get; init; }

    /// <summary>Whether each option has an environment variable: <c>GINNEL_</c> and its name; several values are separated by white space.</summary>
    public bool ReadsEnvironment { get; init; }

    /// <summary>The exit code after an error in the words of ours.</summary>
    public int UsageExitCode { get; init; } = 2;
}

/// <summary>A command of ours. Its options and what is said about it are made when they are asked for: a start needs those of one command.</summary>
/// <param name="name">The word that names it.</param>
/// <param name="description">What it does; one sentence.</param>
/// <param name="describe">Adds its options, and says everything else about it.</param>
internal sealed class GinnelCommand(string name, string description, Func<List<Option>, CommandDetails> describe)
{
    private readonly List<Option> _options = [];
    private CommandDetails? _details;

    public string Name { get; } = name;
    public string Description { get; } = description;
    public CommandDetails Details => _details ??= describe(_options);
    public List<GinnelCommand> Subcommands { get; } = [];

    public List<Option> Options
    {
        get
        {
            _ = Details;
            return _options;
        }
    }
}

/// <summary>What a shell can offer as an option's value.</summary>
internal enum ValueKind
{
    /// <summary>Nothing that can be guessed.</summary>
    Free,
    /// <summary>A file's path.</summary>
    File,
    /// <summary>A command line.</summary>
    Command,
}

/// <summary>An option of ours.</summary>
/// <param name="name">Its name with the dashes.</param>
/// <param name="description">What it does; one sentence or two.</param>
/// <param name="aliases">Other names.</param>
internal abstract class Option(string name, string description, string[] aliases)
{
    public string Name { get; } = name;
    public string Description { get; } = description;
    public IReadOnlyList<string> Aliases { get; } = aliases;

    /// <summary>Whether a word of the command line names this option.</summary>
    public bool IsCalled(string word) => word == Name || Array.IndexOf(aliases, word) >= 0;
}

/// <summary>An option that takes exactly one value each time it is given.</summary>
/// <param name="name">Its name with the dashes.</param>
/// <param name="valueName">What the value is called in help.</param>
/// <param name="description">What it does; one sentence or two.</param>
/// <param name="aliases">Other names.</param>
internal sealed class ValueOption(string name, string valueName, string description, params string[] aliases) : Option(name, description, aliases)
{
    /// <summary>What the value is called in help.</summary>
    public string ValueName { get; } = valueName;

    /// <summary>Whether it may be given more than once.</summary>
    public bool IsList { get; init; }

    /// <summary>What holds without it, for help.</summary>
    public string? Default { get; init; }

    /// <summary>What completion offers.</summary>
    public ValueKind Kind { get; init; }
}

/// <summary>An option without a value.</summary>
/// <param name="name">Its name with the dashes.</param>
/// <param name="description">What it does; one sentence or two.</param>
/// <param name="aliases">Other names.</param>
internal sealed class SwitchOption(string name, string description, params string[] aliases) : Option(name, description, aliases);
