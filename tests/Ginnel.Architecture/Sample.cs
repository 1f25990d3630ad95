using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Ginnel.Architecture;

/// <summary>Small assemblies compiled in memory, by which each rule is shown to be able to fail.</summary>
static class Sample
{
    static readonly MetadataReference[] Framework =
        [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Where(IsFramework)
            .Select(path => MetadataReference.CreateFromFile(path))];

    static string[] Prefixes => ["System.", "Microsoft.AspNetCore.", "Microsoft.Extensions."];

    /// <summary>Compiles <paramref name="source"/> into an assembly named <paramref name="name"/>.</summary>
    /// <param name="name">The simple name that the assembly claims, e.g. <c>Ginnel.Wire</c>.</param>
    /// <param name="source">C# that compiles; anything else fails the calling test.</param>
    /// <param name="references">Assemblies beside the framework's, as returned by <see cref="Image"/>.</param>
    public static CompiledAssembly Compile(string name, string source, params byte[][] references) =>
        CompiledAssembly.Read(Image(name, source, references));

    public static byte[] Image(string name, string source, params byte[][] references)
    {
        using MemoryStream image = new();
        Microsoft.CodeAnalysis.Emit.EmitResult result = Compilation(name, source, references).Emit(image);
        Assert.True(result.Success, string.Join('\n', result.Diagnostics));
        return image.ToArray();
    }

    /// <summary>What the compiler objects to in <paramref name="source"/>, which may use everything that ships.</summary>
    public static IEnumerable<string> Errors(string source)
    {
        byte[][] shipped = [.. Repository.ShippedProjects().Select(name => File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, name + ".dll")))];
        return Compilation("Errors", source, shipped).GetDiagnostics()
            .Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error).Select(diagnostic => diagnostic.ToString());
    }

    static CSharpCompilation Compilation(string name, string source, byte[][] references) => CSharpCompilation.Create(
        name,
        [CSharpSyntaxTree.ParseText(source)],
        [.. Framework, .. references.Select(image => MetadataReference.CreateFromImage(image))],
        new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, allowUnsafe: source.Contains("unsafe", StringComparison.Ordinal)));

    static bool IsFramework(string path) =>
        Path.GetFileName(path) is var name && (name is "netstandard.dll" || Prefixes.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal)));
}
