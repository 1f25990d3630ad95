using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Ginnel.Architecture.Documents;

/// <summary>Types, their members, and which of these are tests, as sources declare them. Namespaces are left out: a name is Type.Member.</summary>
sealed class CodeIndex
{
    readonly HashSet<string> _types = new(StringComparer.Ordinal);
    readonly HashSet<string> _members = new(StringComparer.Ordinal);
    readonly HashSet<string> _tests = new(StringComparer.Ordinal);

    public CodeIndex(IEnumerable<string> sources)
    {
        foreach (string source in sources)
        {
            foreach (BaseTypeDeclarationSyntax type in CSharpSyntaxTree.ParseText(source).GetRoot().DescendantNodes().OfType<BaseTypeDeclarationSyntax>())
            {
                Add(type);
            }
        }
    }

    /// <summary>Whether there is a type, or a type's member, of this name.</summary>
    public bool Has(string name) => _types.Contains(name) || _members.Contains(name);

    /// <summary>Whether there is a method of this name, Class.Method, that the test runner runs.</summary>
    public bool HasTest(string name) => _tests.Contains(name);

    void Add(BaseTypeDeclarationSyntax type)
    {
        string owner = type.Identifier.Text;
        _types.Add(owner);
        if (type is EnumDeclarationSyntax values)
        {
            _members.UnionWith(values.Members.Select(value => $"{owner}.{value.Identifier.Text}"));
        }

        if (type is TypeDeclarationSyntax { ParameterList: { } primary })
        {
            _members.UnionWith(primary.Parameters.Select(parameter => $"{owner}.{parameter.Identifier.Text}"));
        }

        foreach (MemberDeclarationSyntax member in (type as TypeDeclarationSyntax)?.Members ?? [])
        {
            _members.UnionWith(Names(member).Select(name => $"{owner}.{name}"));
            if (member is MethodDeclarationSyntax method && IsTest(method))
            {
                _tests.Add($"{owner}.{method.Identifier.Text}");
            }
        }
    }

    static IEnumerable<string> Names(MemberDeclarationSyntax member) => member switch
    {
        MethodDeclarationSyntax method => [method.Identifier.Text],
        PropertyDeclarationSyntax property => [property.Identifier.Text],
        EventDeclarationSyntax declared => [declared.Identifier.Text],
        BaseFieldDeclarationSyntax field => field.Declaration.Variables.Select(variable => variable.Identifier.Text),
        BaseTypeDeclarationSyntax nested => [nested.Identifier.Text],
        _ => [],
    };

    static bool IsTest(MethodDeclarationSyntax method) =>
        method.AttributeLists.SelectMany(list => list.Attributes).Any(attribute => attribute.Name.ToString() is "Fact" or "Theory");
}
