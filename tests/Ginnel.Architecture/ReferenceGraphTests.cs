using System.Xml.Linq;

namespace Ginnel.Architecture;

public class ReferenceGraphTests
{
    public static TheoryData<string> Shipped => [.. Repository.ShippedProjects()];

    [Theory]
    [MemberData(nameof(Shipped))]
    public void A_compiled_assembly_references_only_what_the_graph_allows(string assembly) =>
        Assert.Empty(ReferenceGraph.Violations(assembly, CompiledAssembly.Load(assembly).References));

    /// <summary>The compiler drops references that nothing uses yet; the project file has them already.</summary>
    [Theory]
    [MemberData(nameof(Shipped))]
    public void A_project_file_references_only_what_the_graph_allows(string assembly) =>
        Assert.Empty(ReferenceGraph.Violations(assembly, ProjectReferences(Repository.Read($"src/{assembly}/{assembly}.csproj"))));

    [Fact]
    public void Nothing_references_the_command_line()
    {
        foreach (string assembly in Repository.ShippedProjects())
        {
            Assert.DoesNotContain("Ginnel.Cli", CompiledAssembly.Load(assembly).References);
        }
    }

    [Theory]
    [InlineData("Ginnel.Wire", "Ginnel.Netstack")]
    [InlineData("Ginnel.Netstack", "Ginnel")]
    [InlineData("Ginnel", "Ginnel.Linux")]
    [InlineData("Ginnel.Linux", "Ginnel.Sandbox")]
    [InlineData("Ginnel.Sandbox", "Ginnel.Cli")]
    [InlineData("Ginnel.Sandbox", "Microsoft.Extensions.Logging")]
    [InlineData("Ginnel", "Microsoft.AspNetCore.Http")]
    [InlineData("Ginnel.Unheard", "System.Runtime")]
    public void The_rule_can_fail(string assembly, string reference) => Assert.Single(ReferenceGraph.Violations(assembly, [reference]));

    [Fact]
    public void The_rule_can_fail_on_a_compiled_sample()
    {
        byte[] upper = Sample.Image("Ginnel.Netstack", "public class Stack { }");
        CompiledAssembly lower = Sample.Compile("Ginnel.Wire", "public class Leak { public Stack Up; }", upper);
        string violation = Assert.Single(ReferenceGraph.Violations(lower.Name, lower.References));
        Assert.Equal("Ginnel.Wire references Ginnel.Netstack; it may reference the base library only", violation);
    }

    static IEnumerable<string> ProjectReferences(string project) =>
        XDocument.Parse(project).Descendants("ProjectReference")
            .Select(element => Path.GetFileNameWithoutExtension(element.Attribute("Include")!.Value.Replace('\\', '/')));
}
