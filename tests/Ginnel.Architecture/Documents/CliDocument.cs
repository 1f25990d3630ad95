using System.Reflection;

namespace Ginnel.Architecture.Documents;

/// <summary>docs/cli.md, from the tree of commands that parses the command line.</summary>
static class CliDocument
{
    /// <summary>Asks the command line's own assembly, whose types are nobody else's business, for its reference.</summary>
    public static string Compose()
    {
        Assembly cli = Assembly.Load("Ginnel.Cli");
        object tree = Call(cli, "Ginnel.Cli.CommandLine.CommandTree", "Create");
        return (string)Call(cli, "Ginnel.Cli.CommandLine.ReferenceText", "Compose", tree);
    }

    static object Call(Assembly assembly, string type, string method, params object[] arguments) =>
        assembly.GetType(type, throwOnError: true)!.GetMethod(method, BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)!
            .Invoke(null, arguments)!;
}
