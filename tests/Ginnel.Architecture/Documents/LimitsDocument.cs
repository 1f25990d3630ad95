using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Ginnel.Architecture.Documents;

/// <summary>docs/limits.md, from the options that have a number or a duration, and from documented constants named Max….</summary>
static class LimitsDocument
{
    static readonly HashSet<string> Measures = new(StringComparer.Ordinal)
    {
        "int", "uint", "long", "ulong", "short", "ushort", "byte", "double", "TimeSpan", "int?", "long?", "TimeSpan?",
    };

    public static string Compose(IEnumerable<KeyValuePair<string, string>> sources)
    {
        SortedDictionary<string, string> options = new(StringComparer.Ordinal);
        SortedDictionary<string, string> constants = new(StringComparer.Ordinal);
        foreach ((string path, string source) in sources)
        {
            string project = path.Split('/')[1];
            CompilationUnitSyntax root = CSharpSyntaxTree.ParseText(source).GetCompilationUnitRoot();
            foreach (TypeDeclarationSyntax type in root.DescendantNodes().OfType<TypeDeclarationSyntax>())
            {
                Append(options, $"{project} · {type.Identifier.Text}", OptionRows(type));
                Append(constants, project, ConstantRows(type));
            }
        }

        return $"""
            # Limits

            Written from the code by `eng/documents`; a test fails when it is stale.

            Everything that grows has a limit. What happens at it, and what the peer sees of that, stands beside each.

            ## Options
            {Tables(options, "option | default | what it bounds, and what happens then")}
            ## Fixed

            {Tables(constants, "constant | value | what it bounds, and what happens then").TrimStart('\n')}
            """.TrimEnd('\n') + "\n";
    }

    static void Append(SortedDictionary<string, string> tables, string title, string rows)
    {
        if (rows.Length > 0)
        {
            tables[title] = tables.GetValueOrDefault(title, "") + rows;
        }
    }

    static string Tables(SortedDictionary<string, string> tables, string header) =>
        string.Concat(tables.Select(table => $"\n### {table.Key}\n\n| {header} |\n|---|---|---|\n{table.Value}"));

    static string OptionRows(TypeDeclarationSyntax type)
    {
        if (!type.Identifier.Text.EndsWith("Options", StringComparison.Ordinal))
        {
            return "";
        }

        StringBuilder rows = new();
        foreach (PropertyDeclarationSyntax property in type.Members.OfType<PropertyDeclarationSyntax>())
        {
            bool settable = property.AccessorList?.Accessors.Any(accessor => accessor.Keyword.Text is "init" or "set") ?? false;
            if (settable && Measures.Contains(property.Type.ToString()))
            {
                Row(rows, property.Identifier.Text, property.Initializer?.Value, DocumentationText.Summary(property));
            }
        }

        return rows.ToString();
    }

    static string ConstantRows(TypeDeclarationSyntax type)
    {
        StringBuilder rows = new();
        foreach (FieldDeclarationSyntax field in type.Members.OfType<FieldDeclarationSyntax>())
        {
            VariableDeclaratorSyntax variable = field.Declaration.Variables[0];
            string name = variable.Identifier.Text;
            // "Maximum…" are sizes that a protocol gives; limits are ours.
            bool limit = (name.StartsWith("Max", StringComparison.Ordinal) && !name.StartsWith("Maximum", StringComparison.Ordinal)) || name.EndsWith("Limit", StringComparison.Ordinal);
            bool constant = Has(field, SyntaxKind.ConstKeyword) || (Has(field, SyntaxKind.StaticKeyword) && Has(field, SyntaxKind.ReadOnlyKeyword));
            string summary = DocumentationText.Summary(field);
            if (limit && constant && summary.Length > 0)
            {
                Row(rows, $"{type.Identifier.Text}.{variable.Identifier.Text}", variable.Initializer?.Value, summary);
            }
        }

        return rows.ToString();
    }

    static bool Has(FieldDeclarationSyntax field, SyntaxKind modifier) => field.Modifiers.Any(token => token.IsKind(modifier));

    static void Row(StringBuilder rows, string name, ExpressionSyntax? value, string summary) =>
        rows.Append($"| `{name}` | {DocumentationText.Cell(ValueText.Of(name, value))} | {DocumentationText.Cell(summary)} |\n");
}
