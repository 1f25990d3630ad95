namespace Ginnel.Interop.House;

/// <summary>./ginnel: when it builds, when it does not, and where.</summary>
public sealed class StartTests : IDisposable
{
    readonly SourceTree _tree = new();

    public void Dispose() => _tree.Dispose();

    [Fact]
    public void The_first_start_builds_and_says_so_in_one_line_on_stderr()
    {
        CommandResult first = _tree.Start("echo", "a  b", "*");
        Assert.Equal("a  b *\n", first.Succeeded());
        Assert.Equal("ginnel: building from source, once (about half a minute)\n", first.Error);
        Assert.Equal(1, _tree.Builds);
    }

    [Fact]
    public void The_second_start_builds_nothing_and_touches_nothing()
    {
        _tree.Start("true").Succeeded();
        string before = _tree.Snapshot();
        CommandResult second = _tree.Start("true");
        second.Succeeded();
        Assert.Empty(second.Error);
        Assert.Equal(1, _tree.Builds);
        Assert.Equal(before, _tree.Snapshot());
    }

    [Fact]
    public void A_copied_tree_whose_sources_are_newer_than_its_outputs_is_fresh_by_content()
    {
        _tree.Start("true").Succeeded();
        _tree.Bash("cp -r . ../copy && find ../copy/src -exec touch {} + && rm -rf ../tools/dotnet").Succeeded();
        CommandResult copied = _tree.Bash("exec ../copy/ginnel echo copied");
        Assert.Equal("copied\n", copied.Succeeded());
        Assert.Empty(copied.Error);
    }

    [Theory]
    [InlineData("echo // more >>src/Ginnel.Cli/Program.cs")]
    [InlineData("echo // new >src/Ginnel.Cli/New.cs")]
    [InlineData("mv src/Ginnel.Cli/Program.cs src/Ginnel.Cli/Main.cs")]
    [InlineData("echo // old >other && touch -d 2001-01-01 other && cp -p other src/Ginnel.Cli/Program.cs")]
    [InlineData("echo '<Project/>' >Directory.Build.props")]
    [InlineData("echo '{ }' >global.json")]
    public void A_changed_source_is_built(string change)
    {
        _tree.Start("true").Succeeded();
        _tree.Bash(change).Succeeded();
        _tree.Start("true").Succeeded();
        Assert.Equal(2, _tree.Builds);
    }

    [Theory]
    [InlineData("touch src/Ginnel.Cli/Program.cs")]
    [InlineData("echo x >src/Ginnel.Cli/.Program.cs.swp")]
    [InlineData("echo x >src/Ginnel.Cli/Program.cs~")]
    [InlineData("echo x >README.md")]
    [InlineData("git init -q . && git add -A")]
    public void What_is_no_change_of_a_source_is_not_built(string change)
    {
        _tree.Start("true").Succeeded();
        _tree.Bash(change).Succeeded();
        _tree.Start("true").Succeeded();
        Assert.Equal(1, _tree.Builds);
    }

    [Fact]
    public void Going_back_to_sources_that_were_built_before_costs_no_build()
    {
        _tree.Start("true").Succeeded();
        _tree.Bash("echo // version 2 >src/Ginnel.Cli/Program.cs").Succeeded();
        _tree.Start("true").Succeeded();
        _tree.Bash("echo // version 1 >src/Ginnel.Cli/Program.cs").Succeeded();
        _tree.Start("true").Succeeded();
        Assert.Equal(2, _tree.Builds);
    }

    [Fact]
    public void Old_versions_go_when_two_more_have_been_built()
    {
        for (int version = 1; version <= 5; version++)
        {
            _tree.Write("src/Ginnel.Cli/Program.cs", $"// version {version}\n");
            _tree.Start("true").Succeeded();
        }

        Assert.Equal(3, Directory.GetFiles(Path.Combine(_tree.Root, "artifacts/publish"), "ginnel", SearchOption.AllDirectories).Length);
    }

    [Fact]
    public void It_works_from_any_folder_and_through_links()
    {
        string text = """
            mkdir -p ../elsewhere/deep && cd ../elsewhere
            ln -s ../tree/ginnel one && ln -s ../one deep/two
            ./deep/two pwd && PATH=$PWD/deep:$PATH two pwd && cd deep && ./two pwd && cd ../../tree && bash ginnel pwd && ginnel/../ginnel pwd 2>/dev/null
            cd src && ../ginnel pwd
            """;
        CommandResult result = _tree.Bash(text);
        string parent = Path.GetDirectoryName(_tree.Root)!;
        Assert.Equal($"{parent}/elsewhere\n{parent}/elsewhere\n{parent}/elsewhere/deep\n{_tree.Root}\n{_tree.Root}/src\n", result.Succeeded());
        Assert.Equal(1, _tree.Builds);
    }

    [Theory]
    [InlineData("a folder with blanks")]
    [InlineData("name=value")]
    [InlineData("-dash")]
    [InlineData("'quote\"")]
    public void The_folder_may_have_any_name(string name)
    {
        using SourceTree odd = new(name);
        Assert.Equal("x\n", odd.Start("echo", "x").Succeeded());
        Assert.Equal("x\n", odd.Start("echo", "x").Succeeded());
        Assert.Equal(1, odd.Builds);
    }

    [Fact]
    public void Two_first_starts_build_once()
    {
        _tree.Set("slow");
        // The build of the one goes on when the other has said that it waits, however late it came.
        CommandResult both = _tree.Bash("""
            "$1" echo one 2>../one & "$1" echo two 2>../two &
            until grep -q waiting ../one ../two; do sleep 0.05; done
            touch ../tools/go-on; wait; cat ../one ../two >&2
            """);
        Assert.Equal(["one", "two"], both.Succeeded().Split('\n', StringSplitOptions.RemoveEmptyEntries).Order());
        Assert.Equal(1, _tree.Builds);
        Assert.Contains("ginnel: another start is building; waiting for it\n", both.Error);
    }

    [Fact]
    public void A_build_that_fails_shows_the_compilers_errors_and_ends_with_125()
    {
        _tree.Set("broken");
        CommandResult result = _tree.Start("true");
        Assert.Equal(125, result.ExitCode);
        Assert.Empty(result.Output);
        Assert.EndsWith("Program.cs(1,1): error CS1002: ; expected\nginnel: the build failed\n", result.Error);
    }

    [Fact]
    public void Where_ReadyToRun_cannot_be_had_it_builds_without()
    {
        _tree.Set("no-crossgen");
        _tree.Start("true").Succeeded();
        Assert.Collection(
            _tree.Note("calls").TrimEnd().Split('\n'),
            first => Assert.Contains("PublishReadyToRun=true", first),
            second => Assert.DoesNotContain("ReadyToRun", second));
    }

    [Fact]
    public void The_build_leaves_no_server_behind_and_sees_only_what_it_needs()
    {
        _tree.Run(_tree.Script, ["true"], ("Platform", "odd"), ("MSBuildSDKsPath", "/nowhere"), ("http_proxy", "http://proxy:1")).Succeeded();
        string[] environment = _tree.Note("environment").Split('\n');
        Assert.DoesNotContain("Platform=odd", environment);
        Assert.DoesNotContain("MSBuildSDKsPath=/nowhere", environment);
        Assert.Contains("http_proxy=http://proxy:1", environment);
        Assert.Contains("DOTNET_CLI_USE_MSBUILD_SERVER=0", environment);
        Assert.Contains("-p:UseSharedCompilation=false -m:1 -nodeReuse:false", _tree.Note("calls"));
        Assert.Equal(_tree.Root + "\n", _tree.Note("folder"));
    }

    [Fact]
    public void An_executable_that_does_not_find_NET_gets_a_link_to_it()
    {
        File.Delete(Path.Combine(_tree.Tools, "program"));
        _tree.WriteTool("program", "#!/bin/sh\ntest -x \"$(dirname \"$0\")/dotnet/dotnet\" && echo found\n");
        Assert.Equal("found\n", _tree.Start().Succeeded());
    }
}
