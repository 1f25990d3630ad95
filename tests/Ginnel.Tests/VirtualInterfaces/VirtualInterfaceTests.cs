using System.Net;
using System.Net.Http;
using System.Security.Cryptography;
using System.Text;
using Ginnel.Wire;

namespace Ginnel.Tests;

public sealed class VirtualInterfaceTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;
    private static readonly IPNetwork[] ServerNetwork = [IPNetwork.Parse("10.0.0.0/24"), IPNetwork.Parse("fd00::/64")];

    [Fact]
    public async Task Http_goes_through_an_entrance_by_a_name_that_only_the_exit_knows()
    {
        await using TestNetwork far = new();
        await using StackListener web = far.Server.Listen(new IPEndPoint(IPAddress.IPv6Any, 80));
        Task serving = ServeHelloAsync(web);
        await using IDatagramPort dns = far.Server.BindUdp(new IPEndPoint(IPAddress.Any, 53));
        Task answering = AnswerNamesAsync(dns, IpAddress.From(TestNetwork.ServerEnd(80).Address));
        await using ExitInterface exit = VirtualInterface.Exit(new ExitOptions
        {
            Expose = ServerNetwork, Dialer = far.Client.Dialer, NameDialer = far.Client.Dialer,
            NameServers = FixedResolverSource.Of([TestNetwork.ServerEnd(53).Address]),
        });
        (MemoryLink near, MemoryLink other) = MemoryLink.CreatePair();
        exit.Add(other);

        await using EntranceInterface entrance = VirtualInterface.Entrance(near);
        using HttpClient client = new(entrance.CreateHandler());
        Assert.Equal("hello", await client.GetStringAsync("http://web.far.example/", Token));

        await dns.DisposeAsync();
        await web.DisposeAsync();
        await Task.WhenAll(serving, answering);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1 << 20)]
    public async Task Streams_that_split_and_join_carry_a_transfer_whole(int chunk)
    {
        await using TestNetwork carrier = new();
        (TcpStream a, TcpStream b) = await carrier.ConnectAsync();
        await using TestNetwork far = new();
        await using ExitInterface exit = VirtualInterface.Exit(new ExitOptions { Expose = ServerNetwork, Dialer = far.Client.Dialer, ServeNames = false });
        exit.Add(new StreamLink(new ChunkedStream(b, chunk)));
        await using EntranceInterface entrance = VirtualInterface.Entrance(new StreamLink(new ChunkedStream(a, chunk)));
        await using StackListener listener = far.Server.Listen(new IPEndPoint(IPAddress.Any, 9));
        ValueTask<TcpStream> connecting = entrance.ConnectAsync(TestNetwork.ServerEnd(9), Token);
        TcpStream? server = await listener.AcceptStreamAsync(Token);
        TcpStream client = await connecting;
        byte[] sent = RandomNumberGenerator.GetBytes(chunk == 1 ? 100_000 : 2_000_000);
        Task writing = Task.Run(async () =>
        {
            await client.WriteAsync(sent, Token);
            await client.CompleteWritesAsync(Token);
        }, Token);
        using MemoryStream received = new();
        await server!.CopyToAsync(received, Token);
        await writing;
        Assert.True(sent.AsSpan().SequenceEqual(received.ToArray()));
    }

    [Theory]
    [InlineData("192.0.2.1", "10.0.0.0/24")]
    [InlineData("127.0.0.1", "0.0.0.0/0")]
    [InlineData("0.0.0.0", "0.0.0.0/0")]
    [InlineData("::1", "::/0")]
    [InlineData("100.127.255.253", "0.0.0.0/0")]
    [InlineData("100.127.255.253", "::1/128")]
    [InlineData("fd67:696e:6e65:6c::3", "127.0.0.1/32")]
    public async Task What_is_not_exposed_is_denied(string address, string exposed)
    {
        CountingDialer dialer = new();
        ExposedRoutes routes = new([IPNetwork.Parse(exposed)], dialer);
        FlowInfo flow = new() { Protocol = FlowProtocol.Tcp };
        DialResult result = await routes.DialAsync(new IPEndPoint(IPAddress.Parse(address), 80), flow, Token);
        Assert.Equal(DialFailureKind.Denied, result.Failure.Kind);
        Assert.Equal(DialFailureKind.Denied, routes.Judge(flow, new IPEndPoint(IPAddress.Parse(address), 80)).Kind);
        Assert.Equal(0, dialer.Dials);
    }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1/32")]
    [InlineData("127.3.0.1", "127.0.0.0/8")]
    [InlineData("::1", "::1/128")]
    [InlineData("100.127.255.253", "127.0.0.1/32")]
    [InlineData("fd67:696e:6e65:6c::3", "::1/128")]
    [InlineData("::ffff:10.0.0.9", "10.0.0.0/24")]
    public async Task Loopback_is_reached_when_exposed_by_name(string address, string exposed)
    {
        CountingDialer dialer = new();
        ExposedRoutes routes = new([IPNetwork.Parse(exposed)], dialer);
        await routes.DialAsync(new IPEndPoint(IPAddress.Parse(address), 80), new FlowInfo { Protocol = FlowProtocol.Tcp }, Token);
        Assert.Equal(1, dialer.Dials);
    }

    [Fact]
    public async Task Denied_is_seen_as_denied_at_the_entrance_for_connections_and_datagrams()
    {
        await using TestNetwork far = new();
        await using ExitInterface exit = VirtualInterface.Exit(new ExitOptions { Expose = ServerNetwork, Dialer = far.Client.Dialer, ServeNames = false });
        (MemoryLink near, MemoryLink other) = MemoryLink.CreatePair();
        exit.Add(other);
        await using EntranceInterface entrance = VirtualInterface.Entrance(near);
        IPEndPoint elsewhere = new(IPAddress.Parse("192.0.2.1"), 80);
        await Assert.ThrowsAsync<AccessDeniedException>(async () => await entrance.ConnectAsync(elsewhere, Token));
        await using IDatagramPort port = entrance.Host.BindUdp(new IPEndPoint(IPAddress.Any, 0));
        await port.SendAsync(new byte[1], elsewhere, Token);
        DatagramItem item = await port.ReceiveAsync(new byte[10], Token);
        Assert.Equal((DialFailureKind.Denied, elsewhere), (item.Failure.Kind, item.Remote));
    }

    [Fact]
    public async Task Two_entrances_share_an_exit_over_both_families_with_datagrams_and_echo()
    {
        await using TestNetwork far = new();
        await using ExitInterface exit = VirtualInterface.Exit(new ExitOptions { Expose = ServerNetwork, Dialer = far.Client.Dialer, ServeNames = false });
        await using StackListener listener = far.Server.Listen(new IPEndPoint(IPAddress.IPv6Any, 80));
        Task serving = ServeHelloAsync(listener);
        (MemoryLink nearA, MemoryLink farA) = MemoryLink.CreatePair();
        (MemoryLink nearB, MemoryLink farB) = MemoryLink.CreatePair();
        exit.Add(farA);
        exit.Add(farB);
        Assert.Equal(2, exit.SessionCount);
        await using EntranceInterface a = VirtualInterface.Entrance(nearA);
        await using EntranceInterface b = VirtualInterface.Entrance(nearB);
        using HttpClient clientA = new(a.CreateHandler());
        using HttpClient clientB = new(b.CreateHandler());
        Assert.Equal("hello", await clientA.GetStringAsync("http://10.0.0.2/", Token));
        Assert.Equal("hello", await clientB.GetStringAsync("http://[fd00::2]/", Token));
        await using IDatagramPort echo = b.Host.BindEcho(new IPEndPoint(IPAddress.Any, 0));
        await echo.SendAsync(new byte[] { 0, 1, 42 }, TestNetwork.ServerEnd(0), Token);
        byte[] buffer = new byte[10];
        DatagramItem reply = await echo.ReceiveAsync(buffer, Token);
        Assert.Equal(new byte[] { 0, 1, 42 }, buffer[..reply.Length]);
    }

    [Fact]
    public async Task Stopping_is_prompt_and_may_be_repeated()
    {
        await using TestNetwork far = new();
        ExitInterface exit = VirtualInterface.Exit(new ExitOptions { Expose = ServerNetwork, Dialer = far.Client.Dialer });
        (MemoryLink near, MemoryLink other) = MemoryLink.CreatePair();
        ExitSession session = exit.Add(other);
        EntranceInterface entrance = VirtualInterface.Entrance(near);
        await exit.DisposeAsync();
        await exit.DisposeAsync();
        await session.Completion;
        Assert.Equal(0, exit.SessionCount);
        await entrance.Completion;
        await entrance.DisposeAsync();
        await entrance.DisposeAsync();
    }

    private static async Task ServeHelloAsync(StackListener listener)
    {
        while (await listener.AcceptStreamAsync() is { } stream)
        {
            _ = Task.Run(async () =>
            {
                await using (stream)
                {
                    byte[] buffer = new byte[4096];
                    string request = "";
                    while (!request.Contains("\r\n\r\n", StringComparison.Ordinal))
                    {
                        int read = await stream.ReadAsync(buffer);
                        if (read == 0) return;
                        request += Encoding.ASCII.GetString(buffer, 0, read);
                    }
                    await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"u8.ToArray());
                }
            });
        }
    }

    private static async Task AnswerNamesAsync(IDatagramPort port, IpAddress address)
    {
        byte[] buffer = new byte[1500];
        try
        {
            while (true)
            {
                DatagramItem item = await port.ReceiveAsync(buffer);
                await port.SendAsync(Answer(buffer.AsSpan(0, item.Length), address), item.Remote);
            }
        }
        catch (ObjectDisposedException)
        {
        }
    }

    private static byte[] Answer(ReadOnlySpan<byte> message, IpAddress address)
    {
        Assert.Equal(DropReason.None, DnsView.TryParse(message, out DnsView view));
        Assert.True(view.TryGetQuestion(out DnsQuestion question));
        DnsHeader header = view.Header;
        header.IsResponse = true;
        byte[] answer = new byte[512];
        DnsWriter writer = new(answer, header);
        writer.TryAddQuestion(question.Name.ToName(), question.Type);
        if (question.Type == DnsType.A) writer.TryAddAddress(DnsSection.Answer, question.Name.ToName(), 60, address);
        return answer[..writer.Length];
    }

    private sealed class CountingDialer : IDialer
    {
        internal int Dials;

        public ValueTask<DialResult> DialAsync(EndPoint target, FlowInfo flow, CancellationToken cancellationToken = default)
        {
            Dials++;
            return new(DialResult.Failed(DialFailureKind.Refused));
        }

        public ValueTask<BindResult> BindAsync(FlowInfo flow, CancellationToken cancellationToken = default) => new(BindResult.Failed(DialFailureKind.Unsupported));
    }
}
