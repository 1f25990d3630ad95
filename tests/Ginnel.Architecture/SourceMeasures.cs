using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace Ginnel.Architecture;

/// <summary>The lengths of functions and files, in lines.</summary>
static class SourceMeasures
{
    public static int Lines(string text) => text.Length == 0 ? 0 : text.AsSpan().TrimEnd('\n').Count('\n') + 1;

    /// <summary>
    /// The length of each function in a source text, from its signature to its last brace, keyed <c>path::Type.Member</c>. Comments and
    /// attributes above it do not count, a local function counts for itself and for the one around it.
    /// </summary>
    public static IEnumerable<KeyValuePair<string, int>> Functions(string path, string text)
    {
        SyntaxTree tree = CSharpSyntaxTree.ParseText(text);
        foreach (SyntaxNode node in tree.GetRoot().DescendantNodes())
        {
            if (Name(node) is { } name && Body(node) is { } body)
            {
                int start = Line(tree, Signature(node));
                yield return new($"{path}::{Owner(node)}{name}", Line(tree, body.Span.End - 1) - start + 1);
            }
        }
    }

    static int Line(SyntaxTree tree, int position) => tree.GetLineSpan(new TextSpan(position, 0)).StartLinePosition.Line;

    static int Signature(SyntaxNode node) =>
        node is MemberDeclarationSyntax { AttributeLists: [.., var last] } ? last.GetLastToken().GetNextToken().SpanStart : node.SpanStart;

    static string? Name(SyntaxNode node) => node switch
    {
        MethodDeclarationSyntax method => method.Identifier.Text,
        ConstructorDeclarationSyntax => "ctor",
        DestructorDeclarationSyntax => "finalizer",
        OperatorDeclarationSyntax op => "operator " + op.OperatorToken.Text,
        ConversionOperatorDeclarationSyntax conversion => "conversion to " + conversion.Type,
        LocalFunctionStatementSyntax local => local.Identifier.Text,
        PropertyDeclarationSyntax { ExpressionBody: not null } property => property.Identifier.Text,
        AccessorDeclarationSyntax accessor => AccessorName(accessor),
        _ => null,
    };

    static string AccessorName(AccessorDeclarationSyntax accessor) => accessor.Parent?.Parent switch
    {
        PropertyDeclarationSyntax property => $"{property.Identifier.Text}.{accessor.Keyword.Text}",
        EventDeclarationSyntax declared => $"{declared.Identifier.Text}.{accessor.Keyword.Text}",
        _ => "this." + accessor.Keyword.Text,
    };

    static SyntaxNode? Body(SyntaxNode node) => node switch
    {
        BaseMethodDeclarationSyntax method => (SyntaxNode?)method.Body ?? method.ExpressionBody,
        LocalFunctionStatementSyntax local => (SyntaxNode?)local.Body ?? local.ExpressionBody,
        PropertyDeclarationSyntax property => property.ExpressionBody,
        AccessorDeclarationSyntax accessor => (SyntaxNode?)accessor.Body ?? accessor.ExpressionBody,
        _ => null,
    };

    static string Owner(SyntaxNode node) =>
        string.Concat(node.Ancestors().OfType<BaseTypeDeclarationSyntax>().Reverse().Select(type => type.Identifier.Text + "."));
}
