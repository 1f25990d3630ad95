using System.Diagnostics;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.Running;

/// <summary>A program that ends at once after its last write has it delivered all the same, as the kernel would have.</summary>
public sealed class LastDeliveryTests(TestNetwork network)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<Who> Everybody => [Who.Root, Who.UserWithTun, Who.UserWithoutTun];

    [Theory]
    [MemberData(nameof(Everybody))]
    public async Task TheLastDatagramArrives(Who who)
    {
        await network.RequireAsync("bash");
        for (int i = 0; i < 5; i++)
        {
            string name = $"datagram-{who}-{i}";
            Outcome outcome = await network.RunAsync(who, [.. TestNetwork.Ginnel("run"), "bash", "-c", $"echo {name} >/dev/udp/{TestNetwork.PeerAddress}/{PeerServer.Keeper}"]);
            Assert.Equal("", outcome.Errors);
            await network.FileAsync(name, Token);
        }
    }

    [Fact]
    public async Task WhatASlowTargetHasNotReadYetArrives()
    {
        await network.RequireAsync("python3");
        const int Size = 8 << 20;
        byte[] bytes = new byte[Size];
        PeerServer.Fill(bytes, 0);
        string file = Path.Combine(network.Folder, "for-slow");
        await File.WriteAllBytesAsync(file, bytes, Token);
        Outcome outcome = await network.RunAsync(Who.Root, [.. TestNetwork.Ginnel("run"), "/usr/bin/python3", "-c", $"""
            import socket
            s = socket.create_connection(('{TestNetwork.PeerAddress}', {PeerServer.Slow}), 20)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4000000)
            s.sendall(open('{file}', 'rb').read())
            """]);
        // It takes a while, which is said.
        Assert.Equal(0, outcome.ExitCode);
        Assert.DoesNotContain("could not be delivered", outcome.Errors);
        Assert.Equal(PeerServer.HashOf(Size), await network.FileAsync(PeerServer.SlowFile, Token));
    }

    [Fact]
    public async Task ASurvivorThatGoesOnSendingDelaysNothing()
    {
        await network.RequireAsync("python3");
        await EndsSoonAfterItsProgramAsync($"""
            import os, socket, time
            s = socket.create_connection(('{TestNetwork.PeerAddress}', {PeerServer.Echo}), 20)
            if os.fork() == 0:
                for d in (0, 1, 2): os.close(d)
                for i in range(600):
                    s.send(b'x' * 1000)
                    time.sleep(0.05)
                os._exit(0)
            """);
    }

    [Fact]
    public async Task AConnectionThatIsMerelyOpenDelaysNothing()
    {
        await network.RequireAsync("python3");
        // The child keeps its connection open and says nothing; the program itself ends.
        await EndsSoonAfterItsProgramAsync($"""
            import os, socket, time
            s = socket.create_connection(('{TestNetwork.PeerAddress}', {PeerServer.Echo}), 20)
            if os.fork() == 0:
                for d in (0, 1, 2): os.close(d)
                time.sleep(30)
                os._exit(0)
            """);
    }

    // The clock runs from the program's end: how long a loaded machine takes to start us is no delay of what is tested.
    private async Task EndsSoonAfterItsProgramAsync(string script)
    {
        using Process process = network.Start(Who.Root, [.. TestNetwork.Ginnel("run"), "/usr/bin/python3", "-c", script + "\nprint('ended', flush=True)"]);
        await using Reaper reaper = new(process);
        Assert.Equal("ended", await process.StandardOutput.ReadLineAsync(Token));
        Stopwatch watch = Stopwatch.StartNew();
        Outcome outcome = await Caller.FinishAsync(process);
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Errors));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(15), $"{watch.Elapsed}");
    }
}
