using System.Text.RegularExpressions;

namespace Ginnel.Architecture;

/// <summary>What no text file of the repository may contain.</summary>
public partial class TextTests
{
    [Fact]
    public void Text_files_are_clean()
    {
        List<string> complaints = [];
        foreach (string path in Repository.TextFiles())
        {
            complaints.AddRange(Complaints(Repository.Read(path)).Select(complaint => $"{path}:{complaint}"));
        }

        Assert.Empty(complaints);
    }

    [Fact]
    public void The_files_are_found()
    {
        Assert.Contains("test", Repository.TextFiles());
        Assert.Contains(".ci/run", Repository.TextFiles());
        Assert.Contains("src/Ginnel.Cli/Program.cs", Repository.SourceFiles());
        Assert.DoesNotContain(Repository.TextFiles(), path => path.StartsWith("artifacts/", StringComparison.Ordinal));
    }

    // Composed, so that this file does not contain what it forbids.
    [Theory]
    [InlineData("a\r\nb\n", "1: carriage return")]
    [InlineData("a \n", "1: blank at the end of the line")]
    [InlineData("a\n\tb\n", "2: tab")]
    [InlineData("a", "1: no newline at the end of the file")]
    [InlineData("a\n\n", "2: empty line at the end of the file")]
    [InlineData("see https://api.nu" + "get.org/v3\n", "1: a package registry: nu" + "get.org")]
    [InlineData("deb http://deb.deb" + "ian.org/\n", "1: a package registry: deb.deb" + "ian.org")]
    [InlineData("registry.npm" + "js.org\n", "1: a package registry: npm" + "js.org")]
    [InlineData("cd /ho" + "me/somebody/src\n", "1: a path of one machine: /ho" + "me/somebody/")]
    [InlineData("cat /wo" + "rk/x\n", "1: a path of one machine: /wo" + "rk/")]
    public void The_rule_can_fail(string text, string complaint) => Assert.Equal(complaint, Assert.Single(Complaints(text)));

    [Fact]
    public void A_path_of_this_checkout_is_a_complaint() => Assert.NotEmpty(Complaints($"built in {Repository.Root}/src\n"));

    [Theory]
    [InlineData("")]
    [InlineData("one\ntwo\n")]
    [InlineData("the work/rest balance, GET /index.html, 10.0.0.0/8\n")]
    public void Clean_text_passes(string text) => Assert.Empty(Complaints(text));

    static IEnumerable<string> Complaints(string text)
    {
        if (text.Length > 0 && !text.EndsWith('\n'))
        {
            yield return $"{text.Split('\n').Length}: no newline at the end of the file";
        }
        else if (text.EndsWith("\n\n", StringComparison.Ordinal))
        {
            yield return $"{text.Split('\n').Length - 1}: empty line at the end of the file";
        }

        int number = 0;
        foreach (string line in text.Split('\n'))
        {
            number++;
            foreach (string complaint in LineComplaints(line))
            {
                yield return $"{number}: {complaint}";
            }
        }
    }

    static IEnumerable<string> LineComplaints(string line)
    {
        if (line.EndsWith('\r'))
        {
            yield return "carriage return";
        }
        else if (line.EndsWith(' ') || line.EndsWith('\t'))
        {
            yield return "blank at the end of the line";
        }

        if (line.TrimEnd().Contains('\t'))
        {
            yield return "tab";
        }

        if (Registry().Match(line) is { Success: true } registry)
        {
            yield return $"a package registry: {registry.Value}";
        }

        if (MachinePath().Match(line) is { Success: true } path)
        {
            yield return $"a path of one machine: {path.Value}";
        }

        if (line.Contains(Repository.Root + "/", StringComparison.Ordinal))
        {
            yield return "a path of this checkout";
        }
    }

    [GeneratedRegex(@"nuget[.](org|com)|npmjs[.](org|com)|(deb|security|ftp)[.]debian[.]org|archive[.]ubuntu[.]com|pypi[.]org|crates[.]io|proxy[.]golang[.]org|rubygems[.]org|pkgs[.]dev[.]azure[.]com", RegexOptions.IgnoreCase)]
    private static partial Regex Registry();

    // Home folders other than those of the examples' people, and folders that no Linux machine has by itself.
    [GeneratedRegex(@"(?<![\w.~$}-])/(home/(?!(user|alice|bob|you)/)[a-z][\w-]*/|Users/\w+/|w[o]rk/|f[a]rm/|tmp/w[t]/)")]
    private static partial Regex MachinePath();
}
