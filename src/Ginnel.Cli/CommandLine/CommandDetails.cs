using System.CommandLine;

namespace Ginnel.Cli.CommandLine;

/// <summary>What help, documents and completion say about a command beyond what the library's tree holds.</summary>
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

/// <summary>A command of ours: the library's, with its details.</summary>
internal sealed class GinnelCommand(string name, string description, CommandDetails details) : Command(name, description)
{
    /// <summary>What the library's tree has no place for.</summary>
    public CommandDetails Details { get; } = details;
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

/// <summary>An option that takes exactly one value each time it is given.</summary>
internal sealed class ValueOption : Option<string[]>
{
    /// <summary>An option with a value.</summary>
    /// <param name="name">Its name with the dashes.</param>
    /// <param name="valueName">What the value is called in help.</param>
    /// <param name="description">What it does; one sentence or two.</param>
    /// <param name="aliases">Other names.</param>
    public ValueOption(string name, string valueName, string description, params string[] aliases) : base(name, aliases)
    {
        HelpName = valueName;
        Description = description;
        Arity = ArgumentArity.OneOrMore;
        AllowMultipleArgumentsPerToken = false;
    }

    /// <summary>Whether it may be given more than once.</summary>
    public bool IsList { get; init; }

    /// <summary>What holds without it, for help.</summary>
    public string? Default { get; init; }

    /// <summary>What completion offers.</summary>
    public ValueKind Kind { get; init; }
}

/// <summary>An option without a value.</summary>
internal sealed class SwitchOption : Option<bool>
{
    /// <summary>An option without a value.</summary>
    public SwitchOption(string name, string description, params string[] aliases) : base(name, aliases)
    {
        Description = description;
        Arity = ArgumentArity.Zero;
    }
}
