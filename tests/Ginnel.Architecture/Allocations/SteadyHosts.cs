using System.Net;
using Ginnel.Netstack;

namespace Ginnel.Architecture.Allocations;

/// <summary>
/// Two hosts with a cable of memory between them, used through the public API by one thread, which also runs what is scheduled and
/// moves the clock. Its own doubles allocate nothing, so that whatever a step allocates is the library's.
/// </summary>
sealed class SteadyHosts : IAsyncDisposable
{
    const int Port = 80;
    static readonly IPEndPoint Target = new(IPAddress.Parse("10.1.0.2"), Port);

    readonly QueuedCompletions _completions = new();
    readonly SteppedTime _time = new();
    readonly NetworkRuntime _runtime;
    readonly NetworkHost _client;
    readonly NetworkHost _server;
    readonly byte[] _written = new byte[60_000];
    readonly byte[] _read = new byte[60_000];

    public SteadyHosts(LinkOffloads offloads)
    {
        _runtime = new NetworkRuntime(new NetworkRuntimeOptions { Completions = _completions, Time = _time });
        (MemoryLink near, MemoryLink far) = MemoryLink.CreatePair(offloads: offloads);
        _client = Create("client", near, "10.1.0.1/24");
        _server = Create("server", far, "10.1.0.2/24");
    }

    public async ValueTask DisposeAsync()
    {
        await _client.DisposeAsync();
        await _server.DisposeAsync();
        _runtime.Dispose();
    }

    public (TcpStream Client, TcpStream Server) Open()
    {
        StackListener listener = _server.Listen(new IPEndPoint(IPAddress.Any, Port));
        TcpStream client = Await(_client.ConnectAsync(Target));
        return (client, Await(listener.AcceptStreamAsync())!);
    }

    public (IDatagramPort Client, IDatagramPort Server) Bind() =>
        (_client.BindUdp(new IPEndPoint(IPAddress.Any, 0)), _server.BindUdp(new IPEndPoint(IPAddress.Any, Port)));

    /// <summary>One side writes many segments, the other reads until it has them all, waiting where there is nothing yet.</summary>
    public void Transfer(TcpStream from, TcpStream to)
    {
        ValueTask writing = from.WriteAsync(_written);
        for (int left = _written.Length; left > 0;) left -= Await(to.ReadAsync(_read));
        Await(writing);
        _time.Step();
    }

    /// <summary>One octet there and back; both reads wait before it is written.</summary>
    public void RoundTrip(TcpStream client, TcpStream server)
    {
        ValueTask<int> asked = server.ReadAsync(_read.AsMemory(0, 1)), answered = client.ReadAsync(_read.AsMemory(1, 1));
        Await(client.WriteAsync(_written.AsMemory(0, 1)));
        Assert.True(Await(asked) == 1);
        Await(server.WriteAsync(_written.AsMemory(0, 1)));
        Assert.True(Await(answered) == 1);
        _time.Step();
    }

    /// <summary>A datagram that is waited for, and its answer that is not.</summary>
    public void Datagrams(IDatagramPort client, IDatagramPort server)
    {
        ValueTask<DatagramItem> waiting = server.ReceiveAsync(_read);
        Await(client.SendAsync(_written.AsMemory(0, 500), Target));
        DatagramItem item = Await(waiting);
        Assert.True(item.Length == 500);
        Await(server.SendAsync(_written.AsMemory(0, 100), item.Remote));
        Assert.True(Await(client.ReceiveAsync(_read)).Length == 100);
        _time.Step();
    }

    T Await<T>(ValueTask<T> task)
    {
        while (!task.IsCompleted) _completions.RunOne();
        return task.GetAwaiter().GetResult();
    }

    void Await(ValueTask task)
    {
        while (!task.IsCompleted) _completions.RunOne();
        task.GetAwaiter().GetResult();
    }

    NetworkHost Create(string name, ILink link, string address)
    {
        NetworkHost host = new(new NetworkHostOptions { Name = name, Runtime = _runtime });
        host.Attach(host.AddInterface(new HostInterfaceOptions { Addresses = [InterfaceAddress.Parse(address)], IpV6 = false }), link);
        return host;
    }

    /// <summary>What was scheduled runs when the thread that waits for it says so.</summary>
    sealed class QueuedCompletions : CompletionScheduler
    {
        readonly Queue<IThreadPoolWorkItem> _items = new(64);

        public override void Schedule(IThreadPoolWorkItem item) => _items.Enqueue(item);

        public void RunOne()
        {
            Assert.True(_items.TryDequeue(out IThreadPoolWorkItem? item), "nothing is left to run, and the operation has not completed");
            item!.Execute();
        }
    }

    /// <summary>A clock that is moved by hand; its timers never fire, for nothing here takes long enough.</summary>
    sealed class SteppedTime : TimeProvider
    {
        long _now = TimeSpan.TicksPerDay;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;

        public void Step() => _now += TimeSpan.TicksPerMillisecond / 10;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new NoTimer();

        sealed class NoTimer : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => default;
        }
    }
}
