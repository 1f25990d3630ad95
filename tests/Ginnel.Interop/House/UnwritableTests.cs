namespace Ginnel.Interop.House;

/// <summary>./ginnel in a tree that its user cannot write, with and without a home.</summary>
public sealed class UnwritableTests : IDisposable
{
    // Root may write anywhere; as root the tests drop to the user that owns nothing.
    const string AsNobody = "as() { if ((EUID)); then env -i \"$@\"; else setpriv --reuid=65534 --regid=65534 --clear-groups env -i \"$@\"; fi; }; ";

    readonly SourceTree _tree = new();

    public void Dispose()
    {
        _tree.Bash("chmod -R u+w .").Succeeded();
        _tree.Dispose();
    }

    [Fact]
    public void A_fresh_tree_is_run_as_it_is()
    {
        _tree.Start("true").Succeeded();
        _tree.Bash("find . -exec touch {} +; chmod -R a-w .").Succeeded();
        CommandResult result = _tree.Bash(AsNobody + "as PATH=/usr/bin:/bin HOME=/nonexistent \"$1\" echo x");
        Assert.Equal("x\n", result.Succeeded());
        Assert.Empty(result.Error);
    }

    [Fact]
    public void A_stale_tree_is_built_once_into_the_users_cache()
    {
        string text = AsNobody + """
            chmod -R a-w . && chmod a+w ../tools && mkdir -m 777 ../cache ../own
            for i in 1 2; do as PATH="$PATH" HOME="$PWD/../own" XDG_CACHE_HOME="$(readlink -f ../cache)" "$1" echo x || exit; done
            cd ../cache && ls -d ginnel$(readlink -f ../tree)/*/ | wc -l
            """;
        Assert.Equal("x\nx\n1\n", _tree.Bash(text).Succeeded());
        Assert.Equal(1, _tree.Builds);
        Assert.False(Directory.Exists(Path.Combine(_tree.Root, "artifacts")));
    }

    [Fact]
    public void Without_a_home_it_is_built_into_a_private_folder_below_the_temporary_one()
    {
        if (!OperatingSystem.IsLinux() || Environment.UserName != "root") Assert.Skip("only a user without a home in the password database shows it; needs root to become one");
        string text = AsNobody + """
            chmod -R a-w . && chmod a+w ../tools && mkdir -m 1777 ../temporary
            for i in 1 2; do as PATH="$PATH" TMPDIR="$(readlink -f ../temporary)" "$1" echo x || exit; done
            stat -c %a ../temporary/*
            """;
        Assert.Equal("x\nx\n700\n", _tree.Bash(text).Succeeded());
        Assert.Equal(1, _tree.Builds);
    }

    [Fact]
    public void A_private_folder_that_somebody_else_prepared_is_not_used()
    {
        if (Environment.UserName != "root") Assert.Skip("needs root to prepare a folder as somebody else");
        string text = AsNobody + """
            chmod -R a-w . && chmod a+w ../tools && mkdir -m 1777 ../temporary && mkdir -m 777 ../temporary/ginnel-65534
            as PATH="$PATH" TMPDIR="$(readlink -f ../temporary)" "$1" echo x && find ../temporary/ginnel-65534 -mindepth 1
            """;
        Assert.Equal("x\n", _tree.Bash(text).Succeeded());
    }
}
