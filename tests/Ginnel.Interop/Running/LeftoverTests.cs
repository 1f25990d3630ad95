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

    /// <summary>Its network is cut off rather than silent: nobody waits for a timeout, over IPv4 or IPv6.</summary>
    [Theory]
    [MemberData(nameof(Everybody))]
    public async Task WhoOutlivesTheProgramIsToldThatThereIsNoNetwork(Who who)
    {
        await network.RequireAsync("setpriv", "curl");
        string folder = Directory.CreateDirectory(Path.Combine(network.Folder, $"outlive-{who}")).FullName;
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_111_111);
        string result = Path.Combine(folder, "result");
        const string Ask = "curl -g -s -o /dev/null -m 60 --connect-timeout 60";
        // A connection that was begun in the moment of the end waits for an answer: the loop has patience with none.
        string script = $"{{ for i in $(seq 600); do {Ask} -m 2 http://10.0.2.2/ && {{ sleep 0.1; continue; }}; "
            + $"{Ask} http://10.0.2.2/; a=$?; {Ask} 'http://[fd00:2::2]/'; echo $a $? >{result}.new; mv {result}.new {result}; break; done; }} "
            + $">/dev/null 2>&1 </dev/null & {Ask} http://10.0.2.2/";
        Outcome outcome = await network.RunAsync(who, [.. TestNetwork.Ginnel("run"), "sh", "-c", script]);
        Assert.Equal(0, outcome.ExitCode);
        while (!File.Exists(result)) await Task.Delay(50, TestContext.Current.CancellationToken);
        // 7 is "failed to connect at once", 28 "timed out".
        Assert.Equal("7 7", (await File.ReadAllTextAsync(result, TestContext.Current.CancellationToken)).Trim());
    }
}
