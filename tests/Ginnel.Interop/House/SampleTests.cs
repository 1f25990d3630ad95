using System.Diagnostics;
using System.Globalization;
using Ginnel.Interop.Running;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.House;

/// <summary>The samples do what they say, for somebody without privileges.</summary>
public sealed class SampleTests(TestNetwork network)
{
    private const int Port = 51_980;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("Memory", "Hello from 127.0.0.1")]
    [InlineData("EntranceExit", "The exit ended with code 0.")]
    [InlineData("WireGuardHttp", "Hello 10.90.0.2, this is 10.90.0.1, inside the tunnel.")]
    public async Task ASampleRunsByItself(string name, string says)
    {
        await network.RequireAsync();
        Outcome outcome = await network.RunAsync(Who.UserWithoutTun, Sample(name));
        Assert.True(outcome.ExitCode == 0, outcome.Errors);
        Assert.Contains(says, outcome.Output);
    }

    [Fact]
    public async Task TwoProcessesMeetInTheTunnelThatTheirFilesDescribe()
    {
        await network.RequireAsync("wg");
        (string serving, string fetching) = await FilesAsync();
        using Process server = network.Start(Who.UserWithoutTun, Sample("WireGuardHttp", "serve", serving));
        try
        {
            using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
            patience.CancelAfter(TimeSpan.FromSeconds(60));
            string? line;
            do
            {
                line = await server.StandardOutput.ReadLineAsync(patience.Token);
                Assert.NotNull(line);
            }
            while (!line.Contains("Now listening on: http://10.91.0.1:80", StringComparison.Ordinal));
            Outcome outcome = await network.RunAsync(Who.UserWithoutTun, Sample("WireGuardHttp", "get", fetching, "http://10.91.0.1/"));
            Assert.True(outcome.ExitCode == 0, outcome.Errors);
            Assert.Equal("Hello 10.91.0.2, this is 10.91.0.1, inside the tunnel.\n", outcome.Output);
            await Caller.RunAsync(Who.Root, "kill", "-TERM", server.Id.ToString(CultureInfo.InvariantCulture));
            Assert.Equal(0, (await Caller.FinishAsync(server)).ExitCode);
        }
        finally
        {
            if (!server.HasExited) server.Kill(entireProcessTree: true);
        }
    }

    private static string[] Sample(string name, params string[] words) => [Path.Combine(AppContext.BaseDirectory, name), .. words];

    private async Task<(string Serving, string Fetching)> FilesAsync()
    {
        string[] keys = (await Caller.RunAsync(Who.Root, "sh", "-c", "for end in 1 2; do key=$(wg genkey); echo $key; echo $key | wg pubkey; done")).Output.Split('\n');
        string serving = Path.Combine(network.Folder, "sample-serving.conf"), fetching = Path.Combine(network.Folder, "sample-fetching.conf");
        await File.WriteAllTextAsync(serving, string.Create(CultureInfo.InvariantCulture, $"""
            [Interface]
            PrivateKey = {keys[0]}
            Address = 10.91.0.1/24
            ListenPort = {Port}
            [Peer]
            PublicKey = {keys[3]}
            AllowedIPs = 10.91.0.2/32
            """), Token);
        await File.WriteAllTextAsync(fetching, string.Create(CultureInfo.InvariantCulture, $"""
            [Interface]
            PrivateKey = {keys[2]}
            Address = 10.91.0.2/24
            [Peer]
            PublicKey = {keys[1]}
            AllowedIPs = 10.91.0.0/24
            Endpoint = 127.0.0.1:{Port}
            """), Token);
        return (serving, fetching);
    }
}
