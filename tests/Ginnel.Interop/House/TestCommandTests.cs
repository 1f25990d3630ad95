namespace Ginnel.Interop.House;

/// <summary>./test: what it adds up, and that nothing that went wrong ends in success.</summary>
public sealed class TestCommandTests : IDisposable
{
    // An SDK that "builds", and runs an assembly by printing the report that stands beside its project.
    const string PretendedSdk = """
        #!/bin/bash
        here=$(dirname "$(readlink -f "$0")")
        printf '%s\n' "$*" >>"$here/calls"
        [[ $1 == run ]] && exit 0
        if [[ $1 == build ]]; then [[ -e $here/broken ]] && { echo "A.cs(1,1): error CS1002: ; expected"; exit 1; }; exit 0; fi
        name=${1##*/} name=${name%.dll}
        while (($#)); do [[ $1 == -xml ]] && report=$2; shift; done
        . "tests/$name/behaviour"
        """;

    readonly SourceTree _tree = new();

    public TestCommandTests()
    {
        _tree.WriteTool("dotnet", PretendedSdk);
        _tree.Write("eng/test-packages.txt", "# none\n");
    }

    public void Dispose() => _tree.Dispose();

    [Fact]
    public void It_adds_up_what_the_assemblies_report()
    {
        Assembly("One", Report(passed: 10, failed: 0, skipped: 1));
        Assembly("Two", Report(passed: 5, failed: 0, skipped: 2));
        CommandResult result = Test();
        Assert.Equal("15 passed, 0 failed, 3 skipped", LastLine(result));
        Assert.Equal(0, result.ExitCode);
    }

    [Fact]
    public void A_failed_test_fails_the_whole()
    {
        Assembly("One", Report(passed: 10, failed: 2, skipped: 0) + "\nexit 1");
        CommandResult result = Test();
        Assert.Equal("10 passed, 2 failed, 0 skipped", LastLine(result));
        Assert.Equal(1, result.ExitCode);
    }

    [Theory]
    [InlineData("exit 0", "One crashed with status 0")]
    [InlineData("exit 134", "One crashed with status 134")]
    [InlineData("exit 124", "One took longer than 600 s and was ended")]
    public void An_assembly_without_a_report_is_a_failure(string behaviour, string complaint)
    {
        Assembly("One", behaviour);
        Assembly("Two", Report(passed: 5, failed: 0, skipped: 0));
        CommandResult result = Test();
        Assert.Equal("5 passed, 1 failed, 0 skipped", LastLine(result));
        Assert.Contains("[FAIL] " + complaint, result.Output);
        Assert.Equal(1, result.ExitCode);
    }

    [Fact]
    public void A_report_that_ends_in_a_crash_is_a_failure()
    {
        Assembly("One", Report(passed: 5, failed: 0, skipped: 0) + "\nexit 139");
        CommandResult result = Test();
        Assert.Equal("5 passed, 1 failed, 0 skipped", LastLine(result));
        Assert.Equal(1, result.ExitCode);
    }

    [Fact]
    public void A_run_in_which_nothing_ran_fails()
    {
        Assembly("One", Report(passed: 0, failed: 0, skipped: 0));
        CommandResult result = Test();
        Assert.Equal("0 passed, 0 failed, 0 skipped", LastLine(result));
        Assert.Equal(1, result.ExitCode);
    }

    [Fact]
    public void What_cannot_be_built_fails_with_the_compilers_words()
    {
        Assembly("One", Report(passed: 1, failed: 0, skipped: 0));
        _tree.Set("broken");
        CommandResult result = Test();
        Assert.Contains("A.cs(1,1): error CS1002: ; expected", result.Output);
        Assert.Equal("0 passed, 1 failed, 0 skipped", LastLine(result));
        Assert.Equal(1, result.ExitCode);
    }

    [Fact]
    public void Tests_against_real_programs_come_last_and_one_at_a_time()
    {
        Assembly("Ginnel.Interop", Report(passed: 1, failed: 0, skipped: 0));
        Assembly("Ginnel.Wire.Tests", Report(passed: 1, failed: 0, skipped: 0));
        Test();
        string[] runs = [.. _tree.Note("calls").Split('\n').Where(call => call.Contains(".dll"))];
        Assert.Contains("Ginnel.Wire.Tests.dll", runs[0]);
        Assert.DoesNotContain("-parallel none", runs[0]);
        Assert.Contains("Ginnel.Interop.dll", runs[1]);
        Assert.Contains("-parallel none", runs[1]);
    }

    [Theory]
    [InlineData("quick", "Ginnel.Netstack.Tests Ginnel.Wire.Tests")]
    [InlineData("Wire", "Ginnel.Wire.Tests")]
    [InlineData("interop", "Ginnel.Interop")]
    [InlineData("Tests", "Ginnel.Netstack.Tests Ginnel.Wire.Tests")]
    [InlineData("Window_is_zero", "Ginnel.Netstack.Tests Ginnel.Wire.Tests Ginnel.Interop")]
    public void An_argument_chooses(string argument, string assemblies)
    {
        foreach (string name in (string[])["Ginnel.Interop", "Ginnel.Netstack.Tests", "Ginnel.Wire.Tests"]) Assembly(name, Report(passed: 1, failed: 0, skipped: 0));
        Test(argument).Succeeded();
        string[] runs = [.. _tree.Note("calls").Split('\n').Where(call => call.Contains(".dll"))];
        Assert.Equal(assemblies.Split(' '), runs.Select(run => Path.GetFileNameWithoutExtension(run.Split(' ')[0])));
        Assert.All(runs, run => Assert.Equal(argument.Contains('_'), run.Contains($"-method *{argument}*")));
    }

    [Fact]
    public void With_long_the_packages_are_proven_the_benchmarks_run_and_the_tests_know()
    {
        Assembly("One", "echo \"long is $GINNEL_LONG\"\n" + Report(passed: 1, failed: 0, skipped: 0));
        _tree.Write("bench/Ginnel.Macro/Ginnel.Macro.csproj", "<Project />\n");
        _tree.Write("eng/prove-packages", "#!/bin/sh\necho proving\nexit 1\n");
        File.SetUnixFileMode(Path.Combine(_tree.Root, "eng/prove-packages"), (UnixFileMode)0b111_101_101);
        CommandResult result = Test("--long");
        Assert.Contains("long is 1\n", result.Output);
        Assert.Contains("\n[FAIL] packages\n", result.Output);
        Assert.Contains("--project bench/Ginnel.Macro", _tree.Note("calls"));
        Assert.Equal("2 passed, 1 failed, 0 skipped", LastLine(result));
        Assert.Equal(1, result.ExitCode);
    }

    [Theory]
    [InlineData("--unknown")]
    [InlineData("one", "two")]
    public void Words_that_it_does_not_know_are_refused(params string[] words) => Assert.Equal(2, Test(words).ExitCode);

    void Assembly(string name, string behaviour)
    {
        _tree.Write($"tests/{name}/{name}.csproj", "<Project />\n");
        _tree.Write($"tests/{name}/behaviour", behaviour + "\n");
    }

    static string Report(int passed, int failed, int skipped) =>
        $"""echo '<?xml version="1.0"?><assemblies><assembly name="x" errors="0" failed="{failed}" not-run="3" passed="{passed}" skipped="{skipped}" total="9"><collection failed="77" passed="88" /></assembly></assemblies>' >"$report" """;

    CommandResult Test(params string[] words) => _tree.Run(Path.Combine(_tree.Root, "test"), words);

    static string LastLine(CommandResult result) => result.Output.TrimEnd('\n').Split('\n')[^1];
}
