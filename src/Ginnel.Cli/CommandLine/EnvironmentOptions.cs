namespace Ginnel.Cli.CommandLine;

/// <summary>
/// Options from the environment, for containers and services: <c>GINNEL_LISTEN_PORT</c> is <c>--listen-port</c>. What stands on the command line goes
/// before what stands there.
/// </summary>
internal static class EnvironmentOptions
{
    private const string Prefix = "GINNEL_";

    /// <summary>The variable of an option.</summary>
    public static string VariableOf(string option) => Prefix + option.TrimStart('-').Replace('-', '_').ToUpperInvariant();

    /// <summary>Adds what the environment says to the options that were given.</summary>
    public static CutArguments Complete(CutArguments cut, Func<string, string?> read)
    {
        if (cut.Error is not null || !cut.Command.Details.ReadsEnvironment) return cut;
        List<string> head = [.. cut.Head];
        foreach (Option option in cut.Command.Options.Where(option => option.Name != "--help"))
        {
            string variable = VariableOf(option.Name);
            bool isGiven = cut.Head.Any(word => word == option.Name || word.StartsWith(option.Name + "=", StringComparison.Ordinal));
            if (isGiven || read(variable) is not { } text || string.IsNullOrWhiteSpace(text)) continue;
            if (option is ValueOption { IsList: true }) head.AddRange(text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(value => $"{option.Name}={value}"));
            else if (option is ValueOption) head.Add($"{option.Name}={text.Trim()}");
            else if (text.Trim() is "1" or "true" or "yes" or "on") head.Add(option.Name);
            else if (text.Trim() is not ("0" or "false" or "no" or "off")) return cut with { Error = $"{variable}={text} is neither 1 nor 0, which {option.Name} is" };
        }
        return cut with { Head = head };
    }
}
