namespace Ginnel.Interop.House;

/// <summary>./ginnel install.</summary>
public sealed class InstallTests : IDisposable
{
    readonly SourceTree _tree = new();

    public void Dispose() => _tree.Dispose();

    string Prefix => Path.Combine(Path.GetDirectoryName(_tree.Root)!, "prefix");

    [Fact]
    public void It_copies_the_program_and_links_it()
    {
        _tree.Start("install", "--prefix", Prefix).Succeeded();
        Directory.Delete(Path.Combine(_tree.Root, "artifacts"), recursive: true);
        Assert.Equal("x\n", _tree.Run(Path.Combine(Prefix, "bin/ginnel"), ["echo", "x"]).Succeeded());
    }

    [Fact]
    public void The_default_is_the_users_own_folder()
    {
        _tree.Start("install").Succeeded();
        Assert.Equal("x\n", _tree.Bash("exec ~/.local/bin/ginnel echo x").Succeeded());
    }

    [Fact]
    public void Over_an_older_one_the_link_changes_and_the_folder_before_stays_for_what_still_runs()
    {
        for (int version = 1; version <= 3; version++)
        {
            _tree.Write("src/Ginnel.Cli/Program.cs", $"// version {version}\n");
            _tree.Start("install", "--prefix=" + Prefix).Succeeded();
        }

        Assert.Equal(2, Directory.GetDirectories(Path.Combine(Prefix, "lib/ginnel")).Length);
        Assert.Equal("x\n", _tree.Run(Path.Combine(Prefix, "bin/ginnel"), ["echo", "x"]).Succeeded());
    }

    [Fact]
    public void Completions_are_installed_for_three_shells()
    {
        File.Delete(Path.Combine(_tree.Tools, "program"));
        _tree.WriteTool("program", "#!/bin/sh\necho \"$@\"\n");
        _tree.Start("install", "--prefix", Prefix).Succeeded();
        Assert.Equal("completion bash\n", File.ReadAllText(Path.Combine(Prefix, "share/bash-completion/completions/ginnel")));
        Assert.Equal("completion zsh\n", File.ReadAllText(Path.Combine(Prefix, "share/zsh/site-functions/_ginnel")));
        Assert.Equal("completion fish\n", File.ReadAllText(Path.Combine(Prefix, "share/fish/vendor_completions.d/ginnel.fish")));
    }

    [Theory]
    [InlineData("install --prefix", 2, "--prefix needs a folder")]
    [InlineData("install --prefix=", 2, "--prefix needs a folder")]
    [InlineData("install --perfix /x", 2, "unknown argument '--perfix'")]
    [InlineData("install --prefix /etc/passwd", 1, "/etc/passwd is not a folder")]
    [InlineData("install --prefix /etc/passwd/x", 1, "Not a directory")]
    public void A_prefix_that_will_not_do_is_refused(string words, int status, string reason)
    {
        CommandResult result = _tree.Start(words.Split(' '));
        Assert.Equal(status, result.ExitCode);
        Assert.Contains(reason, result.Error);
    }

    [Fact]
    public void A_program_of_that_name_that_is_not_ours_stays()
    {
        string other = Path.Combine(Prefix, "bin/ginnel");
        Directory.CreateDirectory(Path.GetDirectoryName(other)!);
        File.WriteAllText(other, "mine");
        CommandResult result = _tree.Start("install", "--prefix", Prefix);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("is not a link of ours", result.Error);
        Assert.Equal("mine", File.ReadAllText(other));
    }
}
