namespace Ginnel.Interop.Guests;

/// <summary>Where installed programs are.</summary>
internal static class TestPrograms
{
    private static readonly string[] s_folders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

    /// <summary>The file of a program; null if it is not installed.</summary>
    public static string? PathOf(string program) => s_folders.Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    /// <summary>Skips the test where one is missing.</summary>
    public static void Require(params ReadOnlySpan<string> programs)
    {
        foreach (string program in programs) Assert.SkipUnless(PathOf(program) is not null, $"{program} is not installed");
    }
}
