using System.Net;
using System.Net.Sockets;
using Ginnel.Linux.Events;
using Ginnel.Linux.Streams;

namespace Ginnel.Interop.Streams;

/// <summary>A link over a Unix socket that an event loop reads and writes, on the thread on which its stack works; the pool's at the other end.</summary>
public sealed class StreamLinkOnLoopTests : IDisposable
{
    private const int Length = 4 << 20;
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"ginnel-link-{Guid.NewGuid():N}");
    private readonly EventLoop _loop = new("test", runsContinuations: true);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _loop.Dispose();
        File.Delete(_path);
    }

    [Fact]
    public async Task CarriesBothWaysAndEndsWithItsPeer()
    {
        using Socket listening = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listening.Bind(new UnixDomainSocketEndPoint(_path));
        listening.Listen(1);
        using Socket far = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await far.ConnectAsync(new UnixDomainSocketEndPoint(_path), Token);
        using IHostStreamAcceptor acceptor = new LinuxStreamSockets(_loop).Listen(listening);
        HostStream near = await acceptor.AcceptAsync(Token);
        // Away from the loop's thread, which has work to do.
        await Task.Yield();

        using NetworkRuntime runtime = new(new NetworkRuntimeOptions { Completions = _loop });
        await using NetworkHost server = new(new NetworkHostOptions { Runtime = runtime });
        await using NetworkHost client = new();
        LinkAttachment attachment = server.Attach(AddInterface(server, "10.7.0.1/24"), new StreamLink(near, new StreamLinkOptions { Scheduler = _loop }));
        StreamLink farLink = new(new NetworkStream(far, ownsSocket: true));
        client.Attach(AddInterface(client, "10.7.0.2/24"), farLink);

        Task echo = EchoAsync(server);
        await using TcpStream stream = await client.ConnectAsync(new IPEndPoint(IPAddress.Parse("10.7.0.1"), 7), cancellationToken: Token);
        byte[] sent = new byte[Length], received = new byte[Length];
        Random.Shared.NextBytes(sent);
        Task writing = stream.WriteAsync(sent, Token).AsTask();
        await stream.ReadExactlyAsync(received, Token);
        await writing;
        Assert.True(sent.AsSpan().SequenceEqual(received));
        await stream.CompleteWritesAsync(Token);
        await echo;

        await farLink.DisposeAsync();
        await attachment.Completion.WaitAsync(Token);
    }

    private static HostInterface AddInterface(NetworkHost host, string address) =>
        host.AddInterface(new HostInterfaceOptions { Addresses = [InterfaceAddress.Parse(address)] });

    private static async Task EchoAsync(NetworkHost server)
    {
        await using StackListener listener = server.Listen(new IPEndPoint(IPAddress.Any, 7));
        await using DuplexStream stream = await (await listener.AcceptAsync(Token))!.AcceptAsync(Token);
        await Task.Yield();
        byte[] buffer = new byte[64 << 10];
        while (await stream.ReadAsync(buffer, Token) is > 0 and int count) await stream.WriteAsync(buffer.AsMemory(0, count), Token);
        await stream.CompleteWritesAsync(Token);
    }
}
