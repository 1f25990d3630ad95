namespace Ginnel.Interop.House;

/// <summary>What ./ginnel starts sees what the caller gave, and nothing of the script or the build.</summary>
public sealed class FidelityTests : IDisposable
{
    readonly SourceTree _tree = new();

    public void Dispose() => _tree.Dispose();

    [Fact]
    public void The_environment_is_the_callers()
    {
        // Names that are no identifiers, an exported function, variables that shells set by themselves, a repeated name's value, an option.
        const string Given = "env -i a.b=1 'BASH_FUNC_f%%=() { echo  hi; }' -- _=x PWD=/nowhere SHLVL=7 OLDPWD=/y BASH_ENV=/dev/null SHELLOPTS=xtrace -x=1 E= \"N=a\nb\"";
        string text = $"\"$1\" true; {Given.Replace(" -- ", " ")} \"$1\" env -0 | tr '\\0' '\\1'; echo; {Given.Replace(" -- ", " ")} env -0 | tr '\\0' '\\1'";
        string[] lines = _tree.Bash(text.Replace("env -i a.b=1", "env -i PATH=$PATH a.b=1")).Succeeded().Split("\x01\n");
        Assert.Equal(lines[1].TrimEnd('\x01', '\n'), lines[0]);
        Assert.Contains("a.b=1", lines[0]);
    }

    [Fact]
    public void No_value_of_the_environment_stands_in_an_argument()
    {
        _tree.Start("true").Succeeded();
        // What bash executes, with its arguments, it says with -x.
        string text = "A_SECRET=s3cr3t key=s3cr3t bash -px \"$1\" true 2>&1 | grep '^+ exec'";
        string executed = _tree.Bash(text).Succeeded();
        Assert.Contains("A_SECRET", executed);
        Assert.DoesNotContain("s3cr3t", executed);
    }

    [Fact]
    public void An_empty_environment_stays_empty()
    {
        _tree.Start("true").Succeeded();
        Assert.Equal("", _tree.Bash("exec env -i \"$1\"").Succeeded());
    }

    [Fact]
    public void A_PATH_that_leads_nowhere_is_the_programs_affair()
    {
        _tree.Start("true").Succeeded();
        Assert.Equal("PATH=/nowhere\n", _tree.Bash("exec env -i PATH=/nowhere \"$1\"").Succeeded());
    }

    [Theory]
    [InlineData("true")]
    [InlineData("rm -rf artifacts")]
    public void Umask_folder_limits_descriptors_and_signals_are_the_callers(string preparation)
    {
        _tree.Start("true").Succeeded();
        string text = $$"""
            {{preparation}}
            cat >../probe <<'END'
            umask; pwd; ulimit -a; ls -l /proc/$$/fd >../descriptors; sed 's/.* \([0-9]* ->\)/\1/' ../descriptors; grep -E '^Sig(Blk|Ign)' /proc/self/status; ps -o pgid=,tty= -p $$
            END
            mkdir -p ../there && cd ../there
            trap '' HUP PIPE TERM; umask 027; ulimit -S -n 300; exec 7</dev/null 255>/dev/null
            bash ../probe >../out && mv ../out ../bare
            "$1" bash ../probe >../out && mv ../out ../ours
            diff ../bare ../ours
            """;
        Assert.Equal("", _tree.Bash(text).Succeeded());
    }

    [Fact]
    public void The_process_is_the_callers_child()
    {
        _tree.Start("true").Succeeded();
        Assert.Equal("same\n", _tree.Bash("\"$1\" bash -c 'echo $$' >../pid & wait; [[ $(<../pid) == $! ]] && echo same").Succeeded());
    }

    [Theory]
    [InlineData("exit 7", 7)]
    [InlineData("kill -TERM $$", 143)]
    public void Its_end_is_the_programs(string program, int status) =>
        Assert.Equal($"{status}\n", _tree.Bash($"\"$1\" bash -c '{program}'; echo $?").Succeeded());
}
