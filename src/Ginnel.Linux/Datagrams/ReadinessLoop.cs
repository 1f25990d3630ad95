using System.Collections.Concurrent;
using Ginnel.Linux.Native;

namespace Ginnel.Linux.Datagrams;

/// <summary>
/// Tells sockets when there is something to receive, their error queue included: .NET's own engine does not let one look at the latter. One
/// thread per process, started with the first socket; it only wakes others, the work is done where it is awaited.
/// </summary>
internal sealed class ReadinessLoop
{
    private static readonly Lock Gate = new();
    private static ReadinessLoop? _shared;
    private readonly ConcurrentDictionary<ulong, ReadinessWait> _waits = new();
    private readonly Descriptor _epoll;
    private ulong _lastToken;

    private ReadinessLoop()
    {
        int number = Polling.epoll_create1(Descriptors.CloseOnExec);
        if (number < 0) throw LinuxException.Last("epoll_create1");
        _epoll = new Descriptor(number);
        new Thread(Run) { IsBackground = true, Name = "datagram readiness" }.Start();
    }

    /// <summary>The loop of this process.</summary>
    /// <exception cref="LinuxException">No descriptor is left. The next call tries again: a Lazy would keep the failure for good.</exception>
    public static ReadinessLoop Shared
    {
        get
        {
            if (Volatile.Read(ref _shared) is { } made) return made;
            lock (Gate)
            {
                if (_shared is null) Volatile.Write(ref _shared, new ReadinessLoop());
                return _shared;
            }
        }
    }

    /// <summary>Watches a socket from now on; nothing is told before the first <see cref="Arm"/>.</summary>
    /// <returns>The token that the other calls want.</returns>
    /// <exception cref="LinuxException">The kernel's limit of watches is reached.</exception>
    public ulong Add(Descriptor socket, ReadinessWait wait)
    {
        ulong token = Interlocked.Increment(ref _lastToken);
        _waits[token] = wait;
        if (Polling.Control(_epoll.Number, Polling.Add, socket.Number, Polling.OneShot, token) == 0) return token;
        LinuxException failure = LinuxException.Last("epoll_ctl");
        _waits.TryRemove(token, out _);
        throw failure;
    }

    /// <summary>Asks to be told once.</summary>
    public void Arm(Descriptor socket, ulong token) =>
        Polling.Control(_epoll.Number, Polling.Modify, socket.Number, Polling.In | Polling.OneShot, token);

    /// <summary>Forgets a socket. Before it is closed.</summary>
    public void Remove(Descriptor socket, ulong token)
    {
        Polling.Control(_epoll.Number, Polling.Delete, socket.Number, 0, token);
        _waits.TryRemove(token, out _);
    }

    private void Run()
    {
        Span<ulong> tokens = stackalloc ulong[64];
        while (true)
        {
            int count = Polling.Wait(_epoll.Number, tokens);
            for (int i = 0; i < count; i++)
            {
                if (_waits.TryGetValue(tokens[i], out ReadinessWait? wait)) wait.Complete(null);
            }
        }
    }
}
