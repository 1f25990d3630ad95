namespace Ginnel.Architecture;

/// <summary>Style as a test: files and functions that one can see at once.</summary>
public class TidyTests
{
    const int FileLimit = 500;
    const int FunctionLimit = 80;
    const string RatchetFile = "eng/tidy-ratchet.txt";

    [Fact]
    public void Files_and_functions_keep_their_limits()
    {
        Ratchet ratchet = Ratchet.Parse(Repository.Read(RatchetFile));
        Dictionary<string, int> files = [], functions = [];
        foreach (string path in Repository.SourceFiles())
        {
            string text = Repository.Read(path);
            files[path] = SourceMeasures.Lines(text);
            foreach ((string name, int lines) in SourceMeasures.Functions(path, text))
            {
                // Overloads share a name; the longest speaks for them.
                functions[name] = Math.Max(lines, functions.GetValueOrDefault(name));
            }
        }

        Assert.NotEmpty(functions);
        List<string> complaints =
            [.. ratchet.Violations(files, FileLimit), .. ratchet.Violations(functions, FunctionLimit), .. ratchet.Orphans(files, functions)];
        Assert.Empty(complaints);
    }

    [Fact]
    public void A_file_is_as_long_as_its_lines()
    {
        Assert.Equal(0, SourceMeasures.Lines(""));
        Assert.Equal(1, SourceMeasures.Lines("a\n"));
        Assert.Equal(2, SourceMeasures.Lines("a\nb"));
    }

    [Fact]
    public void A_function_is_measured_from_its_signature_to_its_last_brace()
    {
        const string Source = """"
            class A
            {
                /// <summary>Not counted.</summary>
                [System.Obsolete]
                void Braces()
                {
                    string s = $"{'{'}" + """ } """;
                }

                int Expression() => 1 switch
                {
                    1 => 2,
                    _ => 3,
                };

                int Getter { get { return 1; } }
                class B { int Inner => 4; }
            }
            """";
        Assert.Equal(
            [new("f::A.Braces", 4), new("f::A.Expression", 5), new("f::A.Getter.get", 1), new("f::A.B.Inner", 1)],
            SourceMeasures.Functions("f", Source));
    }

    [Theory]
    [InlineData("", 11, "a has 11 lines; the limit is 10")]
    [InlineData("a 12", 13, "a grew from 12 to 13 lines; exceptions may only shrink")]
    [InlineData("a 12", 11, "a shrank from 12 to 11 lines; write that into the ratchet")]
    [InlineData("# why\na 12", 10, "a has 10 lines and needs no exception any more; take its line out of the ratchet")]
    public void The_rule_can_fail(string ratchet, int lines, string complaint) =>
        Assert.Equal(complaint, Assert.Single(Ratchet.Parse(ratchet).Violations(new Dictionary<string, int> { ["a"] = lines }, 10)));

    [Fact]
    public void An_exception_for_nothing_is_a_complaint() =>
        Assert.Equal("gone is listed in the ratchet and does not exist", Assert.Single(Ratchet.Parse("gone 99").Orphans(new Dictionary<string, int>())));

    [Theory]
    [InlineData("", 10)]
    [InlineData("a 12", 12)]
    public void What_keeps_the_limit_or_its_exception_passes(string ratchet, int lines) =>
        Assert.Empty(Ratchet.Parse(ratchet).Violations(new Dictionary<string, int> { ["a"] = lines }, 10));
}
