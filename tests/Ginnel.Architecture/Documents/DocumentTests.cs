namespace Ginnel.Architecture.Documents;

/// <summary>
/// Documents that are written from the code say what the code says. With GINNEL_WRITE_DOCUMENTS set, as eng/documents does, the tests write
/// them instead.
/// </summary>
public class DocumentTests
{
    static readonly bool Writing = Environment.GetEnvironmentVariable("GINNEL_WRITE_DOCUMENTS") is { Length: > 0 };

    [Fact]
    public void Drops_are_documented() => Check("docs/drops.md", DropsDocument.Compose(Repository.Read("src/Ginnel.Wire/DropReason.cs")));

    [Fact]
    public void Limits_are_documented() => Check("docs/limits.md", LimitsDocument.Compose(Shipped()));

    [Fact]
    public void The_command_line_is_documented() => Check("docs/cli.md", CliDocument.Compose());

    [Fact]
    public void Requirements_are_documented() => Check("docs/rfc/COMPLIANCE.md", ComplianceTests.Compose());

    [Fact]
    public void A_drop_becomes_a_row() =>
        Assert.EndsWith(
            "|---|---|\n| `Late` | It came after `Limit`, or \\| `x`. |\n",
            DropsDocument.Compose("enum DropReason { /// <summary>No.</summary>\nNone,\n/// <summary>It came after <see cref=\"A.Limit\"/>,\n/// or | <c>x</c>.</summary>\nLate }"));

    [Fact]
    public void A_limit_becomes_a_row()
    {
        const string Source = """
            public sealed class StackOptions
            {
                /// <summary>Most bytes.</summary>
                public long MemoryLimit { get; init; } = 256L << 20;
                /// <summary>How long.</summary>
                public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);
                /// <summary>Most routes.</summary>
                public int MaxRoutes { get; init; } = 1_024;
                /// <summary>No measure.</summary>
                public bool Nagle { get; init; }
                /// <summary>Not set by anybody.</summary>
                public int Count => 1;
                /// <summary>Most labels.</summary>
                const int MaxLabels = 128;
                const int MaxUndocumented = 1;
            }
            """;
        Assert.EndsWith("""
            ## Options

            ### Ginnel.Netstack · StackOptions

            | option | default | what it bounds, and what happens then |
            |---|---|---|
            | `MemoryLimit` | 256 MiB | Most bytes. |
            | `Timeout` | 60 s | How long. |
            | `MaxRoutes` | 1,024 | Most routes. |

            ## Fixed

            ### Ginnel.Netstack

            | constant | value | what it bounds, and what happens then |
            |---|---|---|
            | `StackOptions.MaxLabels` | 128 | Most labels. |

            """, LimitsDocument.Compose([new("src/Ginnel.Netstack/StackOptions.cs", Source)]));
    }

    static IEnumerable<KeyValuePair<string, string>> Shipped() =>
        Repository.SourceFiles().Where(path => path.StartsWith("src/", StringComparison.Ordinal)).Select(path => new KeyValuePair<string, string>(path, Repository.Read(path)));

    static void Check(string path, string expected)
    {
        string full = Path.Combine(Repository.Root, path);
        if (Writing)
        {
            File.WriteAllText(full, expected);
        }

        string actual = File.Exists(full) ? File.ReadAllText(full) : "";
        Assert.True(expected == actual, $"{path} is stale: run eng/documents and commit what it writes.\n{FirstDifference(expected, actual)}");
    }

    static string FirstDifference(string expected, string actual)
    {
        (string Expected, string Actual) pair = expected.Split('\n').Zip(actual.Split('\n')).FirstOrDefault(lines => lines.First != lines.Second);
        return $"expected: {pair.Expected}\nfound:    {pair.Actual}";
    }
}
