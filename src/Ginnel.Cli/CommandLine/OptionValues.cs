namespace Ginnel.Cli.CommandLine;

/// <summary>The options of one command as they were given: a cut vector's head, in which nothing can be wrong any more.</summary>
internal sealed class OptionValues(CutArguments cut)
{
    private readonly IReadOnlyList<string> _head = cut.Head;

    /// <summary>Whether an option was given.</summary>
    public bool Has(string name)
    {
        foreach (string word in _head)
        {
            if (word == name) return true;
        }
        return List(name).Count > 0;
    }

    /// <summary>The value of an option, or null.</summary>
    public string? Value(string name) => List(name) is [.., string last] ? last : null;

    /// <summary>The values of a list, in their order.</summary>
    public IReadOnlyList<string> List(string name)
    {
        List<string> values = [];
        foreach (string word in _head)
        {
            if (word.Length > name.Length && word[name.Length] == '=' && word.StartsWith(name, StringComparison.Ordinal)) values.Add(word[(name.Length + 1)..]);
        }
        return values;
    }

    /// <summary>The values of a list, read.</summary>
    public IReadOnlyList<T> List<T>(string name, Func<string, T> read)
    {
        IReadOnlyList<string> texts = List(name);
        T[] values = new T[texts.Count];
        for (int i = 0; i < values.Length; i++) values[i] = read(texts[i]);
        return values;
    }

    /// <summary>The words that are no options: the shell of <c>completion</c>.</summary>
    public static string? Word(CutArguments cut) => cut.Head.Skip(1).FirstOrDefault(w => !w.StartsWith('-'));

    /// <summary>All words that are no options, in their order.</summary>
    public static IReadOnlyList<string> Words(CutArguments cut) => [.. cut.Head.Skip(1).Where(w => !w.StartsWith('-'))];
}
