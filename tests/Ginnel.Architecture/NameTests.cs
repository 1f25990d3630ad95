using System.Text.RegularExpressions;

namespace Ginnel.Architecture;

/// <summary>Names are the field's own words; a type that bears a namespace's last word makes both hard to mention.</summary>
public partial class NameTests
{
    [Fact]
    public void Types_bear_neither_a_namespaces_last_word_nor_an_empty_one()
    {
        CompiledAssembly[] all = [.. Repository.ShippedProjects().Select(CompiledAssembly.Load)];
        Assert.Empty(Violations(all));
    }

    [Theory]
    [InlineData("namespace Ginnel.Policy { class Policy { } }")]
    [InlineData("namespace Ginnel.Policy { class Rule { } } namespace Ginnel.Wire { struct Policy { } }")]
    [InlineData("namespace Ginnel.Wire { class Ginnel { } }")]
    [InlineData("namespace Ginnel.Wire { class FlowManager { } }")]
    [InlineData("namespace Ginnel.Wire { static class TcpHelpers { } }")]
    [InlineData("namespace Ginnel.Wire { static class ByteUtil { } }")]
    [InlineData("namespace Ginnel.Wire { class Outer { class UtilityBelt { } } }")]
    [InlineData("namespace Ginnel.Wire { class ServiceLocator { } }")]
    public void The_rule_can_fail(string source) => Assert.Single(Violations([Sample.Compile("Ginnel.Sample", source)]));

    [Theory]
    [InlineData("namespace Ginnel.Policy { class PolicyEngine { } }")]
    [InlineData("namespace Ginnel.Wire { class WindowUtilization { } }")]
    [InlineData("namespace Ginnel.Wire { class HelperlessName { } }")]
    public void A_good_name_passes(string source) => Assert.Empty(Violations([Sample.Compile("Ginnel.Sample", source)]));

    static IEnumerable<string> Violations(IReadOnlyCollection<CompiledAssembly> assemblies)
    {
        HashSet<string> words = [.. assemblies.SelectMany(assembly => assembly.Types)
            .Where(type => type.Namespace.StartsWith("Ginnel", StringComparison.Ordinal)).SelectMany(type => type.Namespace.Split('.'))];
        foreach (CompiledAssembly assembly in assemblies)
        {
            foreach (TypeName type in assembly.Types.Where(type => type.Namespace.StartsWith("Ginnel", StringComparison.Ordinal)))
            {
                if (words.Contains(type.Name))
                {
                    yield return $"{assembly.Name}: {type.Namespace}.{type.Name} bears the name of a namespace";
                }
                else if (EmptyWord().IsMatch(type.Name))
                {
                    yield return $"{assembly.Name}: {type.Namespace}.{type.Name} says nothing of what it does";
                }
            }
        }
    }

    [GeneratedRegex("(Manager|Helper|Util|Utility|Utilities|ServiceLocator)s?(?![a-z])")]
    private static partial Regex EmptyWord();
}
