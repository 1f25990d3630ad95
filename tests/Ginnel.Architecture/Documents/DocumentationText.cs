using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Ginnel.Architecture.Documents;

/// <summary>The summary above a declaration, as a line of markdown.</summary>
static partial class DocumentationText
{
    /// <summary>The text of the declaration's <c>summary</c>, empty where it has none.</summary>
    public static string Summary(SyntaxNode declaration)
    {
        StringBuilder text = new();
        foreach (SyntaxTrivia trivia in declaration.GetLeadingTrivia())
        {
            if (trivia.IsKind(SyntaxKind.SingleLineDocumentationCommentTrivia))
            {
                text.Append(trivia.ToFullString());
            }
        }

        string xml = string.Join('\n', text.ToString().Split('\n').Select(line => line.TrimStart().TrimStart('/')));
        return XElement.Parse($"<doc>{xml}</doc>").Element("summary") is { } summary ? Markdown(summary) : "";
    }

    /// <summary>Text that may stand in a cell of a table.</summary>
    public static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);

    static string Markdown(XElement element)
    {
        StringBuilder text = new();
        foreach (XNode node in element.Nodes())
        {
            text.Append(node switch
            {
                XText plain => plain.Value,
                XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
                XElement { Name.LocalName: "see" or "seealso" } see => $"`{LastName(see)}`",
                XElement { Name.LocalName: "paramref" or "typeparamref" } parameter => $"`{parameter.Attribute("name")?.Value}`",
                XElement { Name.LocalName: "para" } paragraph => " " + Markdown(paragraph),
                XElement other => Markdown(other),
                _ => "",
            });
        }

        return Blanks().Replace(text.ToString(), " ").Trim();
    }

    static string LastName(XElement see) =>
        (see.Attribute("cref") ?? see.Attribute("langword"))?.Value is { } name ? name[(name.LastIndexOf('.') + 1)..] : see.Value;

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
