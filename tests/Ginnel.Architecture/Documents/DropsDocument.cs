using System.Text;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Ginnel.Architecture.Documents;

/// <summary>docs/drops.md, from the members of <c>DropReason</c>.</summary>
static class DropsDocument
{
    public static string Compose(string source)
    {
        EnumDeclarationSyntax reasons = CSharpSyntaxTree.ParseText(source).GetRoot().DescendantNodes().OfType<EnumDeclarationSyntax>()
            .Single(declaration => declaration.Identifier.Text == "DropReason");
        StringBuilder text = new("""
            # Why packets are dropped

            Written from the code by `eng/documents`; a test fails when it is stale.

            Nothing is dropped without one of these names. Each has a counter, which the stack's counters and the status page show.

            | reason | a packet is dropped when |
            |---|---|

            """);
        foreach (EnumMemberDeclarationSyntax member in reasons.Members.Where(member => member.Identifier.Text != "None"))
        {
            text.Append($"| `{member.Identifier.Text}` | {DocumentationText.Cell(DocumentationText.Summary(member))} |\n");
        }

        return text.ToString();
    }
}
