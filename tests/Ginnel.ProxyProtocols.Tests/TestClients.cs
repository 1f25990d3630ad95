using System.Net;
using System.Threading.Channels;

namespace Ginnel.ProxyProtocols.Tests;

/// <summary>A listener whose clients are ends of streams within the process.</summary>
internal sealed class TestClients : IListener
{
    internal static readonly IPEndPoint ProxyEnd = new(IPAddress.Parse("192.0.2.1"), 1080);
    private readonly Channel<IPendingConnection> _arrived = Channel.CreateUnbounded<IPendingConnection>();
    private int _port = 40_000;

    /// <summary>A client that connects.</summary>
    internal TestClient Connect(string address = "192.0.2.10")
    {
        IPEndPoint source = new(IPAddress.Parse(address), Interlocked.Increment(ref _port));
        (PairedStream client, PairedStream served) = PairedStream.Create(source, ProxyEnd);
        _arrived.Writer.TryWrite(new Arrived(served, new FlowInfo { Protocol = FlowProtocol.Tcp, Origin = "test", Source = source, Destination = ProxyEnd }));
        return new TestClient(client);
    }

    public async ValueTask<IPendingConnection?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (await _arrived.Reader.WaitToReadAsync(cancellationToken))
            if (_arrived.Reader.TryRead(out IPendingConnection? pending)) return pending;
        return null;
    }

    public ValueTask DisposeAsync()
    {
        _arrived.Writer.TryComplete();
        return default;
    }

    private sealed class Arrived(PairedStream stream, FlowInfo flow) : IPendingConnection
    {
        public FlowInfo Flow => flow;
        public CancellationToken Abandoned => CancellationToken.None;
        public ValueTask<DuplexStream> AcceptAsync(CancellationToken cancellationToken = default) => new(stream);
        public void Reject(DialFailure reason) => stream.Abort();
    }
}

/// <summary>A client's end, with the few things that tests say and hear.</summary>
internal sealed class TestClient(PairedStream stream) : IAsyncDisposable
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    internal PairedStream Stream => stream;

    internal ValueTask SayAsync(params byte[] bytes) => stream.WriteAsync(bytes, Token);

    internal ValueTask SayAsync(string text) => stream.WriteAsync(System.Text.Encoding.Latin1.GetBytes(text), Token);

    internal async Task<byte[]> HearAsync(int length)
    {
        byte[] heard = new byte[length];
        await stream.ReadExactlyAsync(heard, Token);
        return heard;
    }

    /// <summary>All up to the end of the stream.</summary>
    internal async Task<byte[]> HearAllAsync()
    {
        using MemoryStream all = new();
        await stream.CopyToAsync(all, Token);
        return all.ToArray();
    }

    internal async Task<string> HearTextAsync() => System.Text.Encoding.Latin1.GetString(await HearAllAsync());

    /// <summary>A head, its empty line included.</summary>
    internal async Task<string> HearHeadAsync()
    {
        System.Text.StringBuilder head = new();
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal)) head.Append((char)(await HearAsync(1))[0]);
        return head.ToString();
    }

    /// <summary>Whether the proxy reset the connection.</summary>
    internal async Task AssertResetAsync() => await Assert.ThrowsAsync<IOException>(async () => await HearAllAsync());

    public ValueTask DisposeAsync() => stream.DisposeAsync();
}
