using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Ginnel.Architecture;

/// <summary>Every drop has a name, and every name a place that gives it and a test that provokes it.</summary>
public class DropReasonTests
{
    const string Declaration = "src/Ginnel.Wire/DropReason.cs";

    [Fact]
    public void Every_reason_is_given_and_tested()
    {
        IReadOnlyCollection<string> reasons = Reasons(Repository.Read(Declaration));
        string[] shipped = Texts("src/"), tests = Texts("tests/");
        Assert.NotEmpty(reasons);
        Assert.Empty(Unmentioned(reasons, shipped).Select(reason => $"{reason} is given nowhere"));
        Assert.Empty(Unmentioned(reasons, tests).Select(reason => $"{reason} is tested nowhere"));
    }

    [Fact]
    public void The_rule_can_fail() =>
        Assert.Equal(
            ["Late", "Lateness"],
            Unmentioned(Reasons("enum DropReason { None, Late, Lateness, Lost }"), ["drop(DropReason.Lost);", "DropReason.Latenesses"]));

    static string[] Texts(string folder) =>
        [.. Repository.SourceFiles().Where(path => path.StartsWith(folder, StringComparison.Ordinal) && path != Declaration).Select(Repository.Read)];

    static IReadOnlyCollection<string> Reasons(string source) =>
        [.. CSharpSyntaxTree.ParseText(source).GetRoot().DescendantNodes().OfType<EnumMemberDeclarationSyntax>()
            .Select(member => member.Identifier.Text).Where(name => name != "None")];

    static IEnumerable<string> Unmentioned(IEnumerable<string> reasons, IReadOnlyCollection<string> texts) =>
        reasons.Where(reason => !texts.Any(text => Regex.IsMatch(text, $@"\bDropReason\.{reason}\b")));
}
