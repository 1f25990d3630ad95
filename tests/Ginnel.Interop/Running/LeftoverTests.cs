using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.Running;

/// <summary>Nothing is left behind, however the program ended: the gateway dies by the signal that its program died of.</summary>
public sealed class LeftoverTests(TestNetwork network)
{
    public static TheoryData<Who> Everybody => [Who.Root, Who.UserWithTun, Who.UserWithoutTun];

    [Theory]
    [MemberData(nameof(Everybody))]
    public async Task TheTemporaryFolderIsAsItWas(Who who)
    {
        await network.RequireAsync("setpriv");
        string folder = Directory.CreateDirectory(Path.Combine(network.Folder, $"tmp-{who}")).FullName;
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_111_111);
        Outcome outcome = await network.RunAsync(who, ["env", $"TMPDIR={folder}", .. TestNetwork.Ginnel("run"), "sh", "-c", "kill -KILL $$"]);
        Assert.Equal(137, outcome.ExitCode);
        Assert.Equal("", outcome.Errors);
        Assert.Empty(Directory.GetFileSystemEntries(folder));
    }
}
