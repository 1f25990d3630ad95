using System.Text;
using Ginnel.Sandbox.Launch;

namespace Ginnel.Interop.Sandboxes;

/// <summary>The words that carry an environment; that it arrives unchanged is <see cref="FidelityTests"/>' part.</summary>
public sealed class EnvironmentWordsTests
{
    [Fact]
    public void NoValueStandsInAWord()
    {
        EnvironmentWords words = new([Utf8("A=secret"), Utf8("a.b=secret"), Utf8("it's\\=secret=secret"), Utf8("EMPTY=")]);
        string text = string.Join(' ', words.Words("/usr/bin/env").Select(word => Encoding.UTF8.GetString(word)));
        Assert.Equal(@"/usr/bin/env -i -S -- 'A'=${g0} 'a.b'=${g1} 'it\'s\\'=${g2} 'EMPTY'=${g3}", text);
        Assert.Equal(["g0=secret", "g1=secret", "g2=secret=secret", "g3="], words.Variables().Select(variable => Encoding.UTF8.GetString(variable)));
        Assert.Null(words.Obstacle);
    }

    [Fact]
    public void WhatCannotBeCarriedIsToldBeforehand()
    {
        Assert.Contains("no variable", new EnvironmentWords([Utf8("A")]).Obstacle);
        Assert.Contains("no variable", new EnvironmentWords([Utf8("=A")]).Obstacle);
        // The kernel takes a word of 128 KiB less its end; under the longer name this one does not fit.
        Assert.Contains("too long", new EnvironmentWords([Utf8("A=" + new string('x', (128 << 10) - 3))]).Obstacle);
        Assert.Contains("too long", new EnvironmentWords([.. Enumerable.Range(0, 2_000).Select(i => Utf8($"{new string('n', 100)}{i}="))]).Obstacle);
    }

    [Fact]
    public void OnlyAnEnvThatCanSplitIsTaken()
    {
        Assert.True(EnvironmentWords.IsUnderstoodBy("/usr/bin/env"));
        Assert.False(EnvironmentWords.IsUnderstoodBy("/usr/bin/true"));
        Assert.False(EnvironmentWords.IsUnderstoodBy("/nowhere"));
    }

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);
}
