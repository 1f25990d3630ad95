using System.Net;

namespace Ginnel.Tests;

public sealed class HostLoopbackTests
{
    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("127.255.255.254")]
    [InlineData("0.0.0.0")]
    [InlineData("0.1.2.3")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("::ffff:0.0.0.0")]
    [InlineData("::127.0.0.1")]
    public async Task Every_form_of_loopback_is_refused_and_named(string address)
    {
        Assert.True(HostLoopback.Contains(IPAddress.Parse(address)));
        DirectDialer dialer = new(new DirectDialerOptions { LoopbackRemedy = "use --host-loopback" });
        FlowInfo flow = new() { Protocol = FlowProtocol.Tcp };
        DialResult result = await dialer.DialAsync(new IPEndPoint(IPAddress.Parse(address), 1), flow, TestContext.Current.CancellationToken);
        Assert.Equal(new DialFailure(DialFailureKind.Denied, "use --host-loopback"), result.Failure);
    }

    [Theory]
    [InlineData("1.0.0.1")]
    [InlineData("128.0.0.1")]
    [InlineData("126.255.255.255")]
    [InlineData("::2")]
    [InlineData("::ffff:10.0.0.1")]
    [InlineData("fe80::1")]
    public void Other_addresses_are_not_loopback(string address) => Assert.False(HostLoopback.Contains(IPAddress.Parse(address)));

    [Fact]
    public async Task A_name_that_resolves_to_loopback_is_judged_by_its_address()
    {
        DirectDialer dialer = new(new DirectDialerOptions { Resolver = new FixedResolver(IPAddress.Loopback) });
        DialResult result = await dialer.DialAsync(new DnsEndPoint("innocent.example", 80), new FlowInfo { Protocol = FlowProtocol.Tcp }, TestContext.Current.CancellationToken);
        Assert.Equal(DialFailureKind.Denied, result.Failure.Kind);
    }

    [Fact]
    public async Task Datagrams_to_loopback_are_refused_target_by_target()
    {
        DirectDialer dialer = new(new DirectDialerOptions { DatagramSockets = new NoSockets() });
        BindResult bound = await dialer.BindAsync(new FlowInfo { Protocol = FlowProtocol.Udp }, TestContext.Current.CancellationToken);
        Assert.True(bound.IsBound);
        DialFailure failure = await bound.Port.SendAsync(new byte[1], new IPEndPoint(IPAddress.Loopback, 53), TestContext.Current.CancellationToken);
        Assert.Equal(DialFailureKind.Denied, failure.Kind);
        Assert.Equal(default, await bound.Port.SendAsync(new byte[1], new IPEndPoint(IPAddress.Parse("192.0.2.1"), 53), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Redirections_that_a_port_remembers_are_bounded()
    {
        DirectDialer dialer = new(new DirectDialerOptions { DatagramSockets = new NoSockets(), Redirect = asked => new IPEndPoint(IPAddress.Loopback, asked.Port) });
        BindResult bound = await dialer.BindAsync(new FlowInfo { Protocol = FlowProtocol.Udp }, TestContext.Current.CancellationToken);
        DirectDatagramPort port = Assert.IsType<DirectDatagramPort>(bound.Port);
        for (int i = 0; i < 1_000; i++)
            await port.SendAsync(new byte[1], new IPEndPoint(IPAddress.Parse("192.0.2.1"), 1_000 + i), TestContext.Current.CancellationToken);
        Assert.Equal(DirectDatagramPort.MaxRedirections, port.RedirectionCount);
    }

    private sealed class FixedResolver(params IPAddress[] addresses) : INameResolver
    {
        public ValueTask<NameResult> ResolveAsync(string name, CancellationToken cancellationToken = default) => new(new NameResult(addresses));
    }

    private sealed class NoSockets : IHostDatagramSockets
    {
        public BindResult BindUdp(IPEndPoint local) => BindResult.Bound(new NoPort());
        public BindResult BindEcho(System.Net.Sockets.AddressFamily family) => BindResult.Failed(DialFailureKind.Unsupported);
    }

    private sealed class NoPort : IDatagramPort
    {
        public IPEndPoint? LocalEndPoint => null;
        public ValueTask<DatagramItem> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => throw new NotSupportedException();
        public ValueTask<DialFailure> SendAsync(ReadOnlyMemory<byte> payload, IPEndPoint remote, CancellationToken cancellationToken = default) => default;
        public void ReportFailure(IPEndPoint remote, DialFailure failure) { }
        public ValueTask DisposeAsync() => default;
    }
}
