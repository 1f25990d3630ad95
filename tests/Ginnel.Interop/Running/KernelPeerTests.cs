using System.Diagnostics;
using System.Globalization;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.Running;

/// <summary>
/// Our TCP against the kernel's, in both roles, as the kernel's own <c>ss -ti</c> sees it: timestamps and SACK are negotiated, and the
/// windows are scaled on both sides.
/// </summary>
public sealed class KernelPeerTests(TestNetwork network)
{
    // Moves 4 MiB both ways, so that the windows grow beyond 64 KiB, then lets the kernel describe the connection.
    private const string Talk = """
        import subprocess, threading
        def talk(s):
            total = 4 << 20
            threading.Thread(target=lambda: s.sendall(bytes(total)), daemon=True).start()
            left = total
            while left:
                got = len(s.recv(min(left, 1 << 18)))
                if not got: raise SystemExit('closed early')
                left -= got
            print(subprocess.run(['ss', '-tinoH', 'state', 'established'], capture_output=True, text=True).stdout)
        """;

    [Fact]
    public async Task TheKernelConnectsToUs()
    {
        await network.RequireAsync("python3", "ss");
        Outcome outcome = await network.RunAsync(Who.Root, [.. TestNetwork.Ginnel("run"), "/usr/bin/python3", "-c",
            string.Create(CultureInfo.InvariantCulture, $"{Talk}\nimport socket\ntalk(socket.create_connection(('{TestNetwork.PeerAddress}', {PeerServer.Echo}), 20))")]);
        CheckOptions(outcome);
    }

    [Fact]
    public async Task WeConnectToTheKernel()
    {
        await network.RequireAsync("python3", "ss");
        using Process server = network.Start(Who.Root, [.. TestNetwork.Ginnel("run", "-p", "7019"), "/usr/bin/python3", "-c",
            Talk + "\nimport socket\nl = socket.create_server(('0.0.0.0', 7019))\ntalk(l.accept()[0])"]);
        await network.RunAsync(Who.Root, "/usr/bin/python3", "-c", """
            import socket, time
            for attempt in range(100):
                try:
                    s = socket.create_connection(('127.0.0.1', 7019), 20)
                    data = s.recv(1 << 18)
                    if data: break
                except OSError: pass
                time.sleep(0.1)
            while data:
                s.sendall(data)
                data = s.recv(1 << 18)
            """);
        CheckOptions(await Caller.FinishAsync(server));
    }

    private static void CheckOptions(Outcome outcome)
    {
        Assert.Equal("", outcome.Errors);
        Assert.Matches(@"\bts sack\b", outcome.Output);
        Assert.Matches(@"\bwscale:([1-9]|1[0-4]),([1-9]|1[0-4])\b", outcome.Output);
    }
}
