using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Ginnel.Architecture;

/// <summary>Small assemblies compiled in memory, by which each rule is shown to be able to fail.</summary>
static class Sample
{
    /// <summary>Compiles <paramref name="source"/> into an assembly named <paramref name="name"/>.</summary>
    /// <param name="name">The simple name that the assembly claims, e.g. <c>Ginnel.Wire</c>.</param>
    /// <param name="source">C# that compiles; anything else fails the calling test.</param>
    /// <param name="references">Assemblies beside the framework's, as returned by <see cref="Image"/>.</param>
    public static CompiledAssembly Compile(string name, string source, params byte[][] references) =>
        CompiledAssembly.Read(Image(name, source, references));

    public static byte[] Image(string name, string source, params byte[][] references)
    {
        string trusted = (string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!;
        IEnumerable<MetadataReference> framework = trusted.Split(Path.PathSeparator)
            .Where(path => Path.GetFileName(path) is var file && (file.StartsWith("System.", StringComparison.Ordinal) || file is "netstandard.dll"))
            .Select(path => (MetadataReference)MetadataReference.CreateFromFile(path));
        CSharpCompilation compilation = CSharpCompilation.Create(
            name,
            [CSharpSyntaxTree.ParseText(source)],
            [.. framework, .. references.Select(image => MetadataReference.CreateFromImage(image))],
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, allowUnsafe: source.Contains("unsafe", StringComparison.Ordinal)));
        using MemoryStream image = new();
        Microsoft.CodeAnalysis.Emit.EmitResult result = compilation.Emit(image);
        Assert.True(result.Success, string.Join('\n', result.Diagnostics));
        return image.ToArray();
    }
}
