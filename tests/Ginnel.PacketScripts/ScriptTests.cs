using Ginnel.PacketScripts.Running;

namespace Ginnel.PacketScripts;

/// <summary>Every script under <c>scripts/</c> passes, and sends nothing that it does not expect.</summary>
public sealed class ScriptTests
{
    private static readonly Options OwnProfile = new(SystemKind.Ginnel, strict: true, []);

    internal static string Root => Path.Combine(AppContext.BaseDirectory, "scripts");

    public static IEnumerable<TheoryDataRow<string>> Scripts() =>
        Directory.EnumerateFiles(Root, "*.pkt", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(Root, file)).Order(StringComparer.Ordinal)
            .Select(file => new TheoryDataRow<string>(file));

    [Theory]
    [MemberData(nameof(Scripts))]
    public void Passes(string script) => Assert.Null(OwnProfile.Run(Path.Combine(Root, script)));
}
