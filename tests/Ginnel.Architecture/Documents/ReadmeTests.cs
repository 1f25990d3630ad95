using System.Text.RegularExpressions;

namespace Ginnel.Architecture.Documents;

/// <summary>The code that the README shows is code.</summary>
public partial class ReadmeTests
{
    [Fact]
    public void Its_examples_in_CSharp_compile()
    {
        string[] examples = [.. Examples(Repository.Read("README.md"))];
        Assert.NotEmpty(examples);
        Assert.Empty(examples.SelectMany(example => Sample.Errors(Wrap(example))));
    }

    [Fact]
    public void The_rule_can_fail()
    {
        string example = Assert.Single(Examples("text\n```csharp\nNoSuchType.Do();\n```\n```sh\nls\n```\n"));
        Assert.Contains("NoSuchType", Assert.Single(Sample.Errors(Wrap(example))));
    }

    static IEnumerable<string> Examples(string markdown) => CSharpBlock().Matches(markdown).Select(match => match.Groups[1].Value);

    // What an example may take for granted: the namespaces of implicit usings, ours, a stream to wherever the exit is, and a link.
    static string Wrap(string example) => $$"""
        using System; using System.Collections.Generic; using System.IO; using System.Linq; using System.Net; using System.Net.Http;
        using System.Threading; using System.Threading.Tasks; using Ginnel; using Ginnel.AspNetCore; using Ginnel.WireGuard;
        using Microsoft.AspNetCore.Builder; using Microsoft.AspNetCore.Hosting;
        class Example { static async Task Run(Stream stream, ILink link) { {{example}} await Task.Yield(); } }
        """;

    [GeneratedRegex("^```csharp\\n(.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex CSharpBlock();
}
