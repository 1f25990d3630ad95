using System.Diagnostics;
using System.Globalization;
using Ginnel.Interop.Running;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.WireGuard;

/// <summary>Very many connections at once through one tunnel between two <c>ginnel proxy</c>.</summary>
/// <remarks>They come 400 at a time, which is more than a short backlog would bear: that once reset some of them.</remarks>
public sealed class ProxyManyTests(TestNetwork network)
{
    private const int Wanted = 10_000, Inside = 7, Entrance = 8231, Server = 18_231;

    // Of a proxy's descriptors these may be its own, the rest are one for each connection; so many of its own come and go meanwhile.
    private const int OwnDescriptors = 500, ComeAndGo = 16;

    // The target is 8; this bound only catches what is no figure any more, such as a buffer for each connection that waits.
    private const double MostKibibytes = 32;

    private const string EchoServer = """
        import resource, selectors, socket, sys
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        listener = socket.create_server(('127.0.0.1', int(sys.argv[1])), backlog=4096)
        listener.setblocking(False)
        ready = selectors.DefaultSelector()
        ready.register(listener, selectors.EVENT_READ)
        print('ready', flush=True)
        while True:
            for key, _ in ready.select():
                if key.fileobj is listener:
                    try:
                        while True: ready.register(listener.accept()[0], selectors.EVENT_READ)
                    except BlockingIOError: continue
                try: said = key.fileobj.recv(4096)
                except ConnectionError: said = b''
                if said: key.fileobj.sendall(said)
                else:
                    ready.unregister(key.fileobj)
                    key.fileobj.close()
        """;

    // Arguments: port, connections, the near proxy's process, the far one's. Prints lines of numbers that the test reads.
    private const string Client = """
        import os, resource, selectors, socket, sys, time
        port, count, pids = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        deadline = time.monotonic() + 140
        def resident(): return [int(next(l for l in open(f'/proc/{p}/status') if l.startswith('VmRSS')).split()[1]) for p in pids]
        def descriptors(): return [len(os.listdir(f'/proc/{p}/fd')) for p in pids]
        def word(number, turn): return b'%d says %08d' % (turn, number)
        def exchange(sockets, turn, under_way):
            # Each says its own word and must hear it again; so many are asked at a time.
            ready, waiting, heard = selectors.DefaultSelector(), iter(list(enumerate(sockets))), {}
            def start():
                for number, s in waiting:
                    if turn == 1:
                        s.setblocking(False)
                        s.connect_ex(('127.0.0.1', port))
                    heard[number] = b''
                    ready.register(s, selectors.EVENT_WRITE, number)
                    return
            for _ in range(under_way): start()
            left = len(sockets)
            while left:
                assert time.monotonic() < deadline, f'{left} of {len(sockets)} had no answer in turn {turn}'
                for key, events in ready.select(1):
                    s, number = key.fileobj, key.data
                    if events & selectors.EVENT_WRITE:
                        assert (error := s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)) == 0, os.strerror(error)
                        s.send(word(number, turn))
                        ready.modify(s, selectors.EVENT_READ, number)
                        continue
                    piece = s.recv(99)
                    assert piece, f'connection {number} ended in turn {turn}'
                    heard[number] += piece
                    if len(heard[number]) < len(word(number, turn)): continue
                    assert heard[number] == word(number, turn), heard[number]
                    ready.unregister(s)
                    left -= 1
                    start()
            ready.close()
        def close(sockets, before):
            for s in sockets: s.shutdown(socket.SHUT_WR)
            for s in sockets:
                s.setblocking(True)
                s.settimeout(60)
                assert s.recv(9) == b''
                s.close()
            while any(now > then + 8 for now, then in zip(descriptors(), before)) and time.monotonic() < deadline: time.sleep(0.05)
        def sockets(n): return [socket.socket() for _ in range(n)]
        first = descriptors()
        warm = sockets(1000)
        exchange(warm, 1, 400)
        close(warm, first)
        begun, before = descriptors(), resident()
        many, clock = sockets(count), time.monotonic()
        exchange(many, 1, 400)
        opened, clock = time.monotonic() - clock, time.monotonic()
        held, idle = descriptors(), resident()
        exchange(many, 2, count)
        again = time.monotonic() - clock
        close(many, begun)
        print(*begun)
        print(*held)
        print(*descriptors())
        print(*before)
        print(*idle)
        print(*resident())
        print(int(opened * 1000), int(again * 1000))
        """;

    [Fact]
    public async Task TenThousandAreOpenAtOnceAndNothingIsLeftOfThem()
    {
        await network.RequireAsync("wg", "python3");
        using Process server = network.StartAtPeer("/usr/bin/python3", "-c", EchoServer, Text(Server));
        try
        {
            Assert.Equal("ready", await server.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
            await using ProxyPair pair = await ProxyPair.StartAsync(network, 51_976, ["--egress", $"tcp:{Entrance}:10.88.0.2:{Inside}"], ["--ingress", $"tcp:{Inside}:127.0.0.1:{Server}"]);
            int count = Math.Min(Wanted, await DescriptorsOfAsync(pair.Near) - OwnDescriptors);
            if (count < Wanted) TestContext.Current.TestOutputHelper?.WriteLine($"{count} connections instead of {Wanted}: a process may have no more descriptors (ulimit -Hn)");
            Assert.True(count > OwnDescriptors, "ulimit -Hn leaves no room for connections");
            Outcome outcome = await network.RunAsync(Who.Root, "/usr/bin/python3", "-c", Client, Text(Entrance), Text(count), Text(pair.Near.Id), Text(pair.Far.Id));
            Assert.True(outcome.ExitCode == 0, outcome.Errors + pair.Said);
            int[][] figures = [.. outcome.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => line.Split(' ').Select(figure => int.Parse(figure, CultureInfo.InvariantCulture)).ToArray())];
            Judge(count, figures);
            await pair.EndAsync();
        }
        finally
        {
            server.Kill(entireProcessTree: true);
        }
    }

    private static void Judge(int count, int[][] figures)
    {
        (int[] begun, int[] held, int[] left, int[] before, int[] idle, int[] after) = (figures[0], figures[1], figures[2], figures[3], figures[4], figures[5]);
        for (int i = 0; i < 2; i++)
        {
            string name = i == 0 ? "near" : "far";
            double each = (double)(idle[i] - before[i]) / count;
            TestContext.Current.TestOutputHelper?.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{name}: {count} connections, {held[i] - begun[i]} descriptors more, {each:F1} KiB each; resident {before[i]} KiB, {idle[i]} with them, {after[i]} after them"));
            Assert.InRange(held[i] - begun[i], count - ComeAndGo, count + ComeAndGo);
            Assert.InRange(left[i] - begun[i], -ComeAndGo, ComeAndGo);
            Assert.InRange(each, 0, MostKibibytes);
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"opened in {figures[6][0]} ms, all heard again in {figures[6][1]} ms");
    }

    private static async Task<int> DescriptorsOfAsync(Process process)
    {
        // The runtime raises the soft limit to the hard one by itself; what it may have at last is what counts.
        string[] lines = await File.ReadAllLinesAsync($"/proc/{process.Id}/limits", TestContext.Current.CancellationToken);
        string soft = lines.Single(line => line.StartsWith("Max open files", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[3];
        return int.Parse(soft, CultureInfo.InvariantCulture);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
