using System.CommandLine;

namespace Ginnel.Cli.CommandLine;

/// <summary>The options of one command as they were given.</summary>
internal sealed class OptionValues
{
    private readonly ParseResult _result;
    private readonly GinnelCommand _command;

    private OptionValues(GinnelCommand command, ParseResult result) => (_command, _result) = (command, result);

    /// <summary>Parses the head of a cut vector, in which nothing can be wrong any more.</summary>
    public static OptionValues Parse(GinnelCommand root, CutArguments cut)
    {
        // A word that begins with @ is a word: the library would read a file of that name.
        ParseResult result = root.Parse(cut.Head, new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = false });
        return new OptionValues(cut.Command, result);
    }

    /// <summary>Whether a switch was given.</summary>
    public bool Has(string name) => _result.GetResult(Find(name)) is { Implicit: false };

    /// <summary>The value of an option, or null.</summary>
    public string? Value(string name) => List(name) is [.., string last] ? last : null;

    /// <summary>The values of a list, in their order.</summary>
    public IReadOnlyList<string> List(string name) => _result.GetResult(Find(name)) is { Implicit: false } && _result.GetValue((ValueOption)Find(name)) is { } values ? values : [];

    /// <summary>The words that are no options: the shell of <c>completion</c>.</summary>
    public static string? Word(CutArguments cut) => cut.Head.Skip(1).FirstOrDefault(w => !w.StartsWith('-'));

    /// <summary>All words that are no options, in their order.</summary>
    public static IReadOnlyList<string> Words(CutArguments cut) => [.. cut.Head.Skip(1).Where(w => !w.StartsWith('-'))];

    private Option Find(string name) => _command.Options.First(o => o.Name == name);
}
