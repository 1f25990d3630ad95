using System.Net;
using System.Net.Sockets;

namespace Ginnel.Tests;

public sealed class DatagramFamilyTests
{
    [Theory]
    [InlineData(null, "::")]
    [InlineData("192.0.2.1:53", "0.0.0.0")]
    [InlineData("[2001:db8::1]:53", "::")]
    public async Task A_port_for_no_one_destination_is_of_both_families(string? destination, string bound)
    {
        Recorder sockets = new();
        DirectDialer dialer = new(new DirectDialerOptions { DatagramSockets = sockets });
        await dialer.BindAsync(
            new FlowInfo { Protocol = FlowProtocol.Udp, Source = IPEndPoint.Parse("127.0.0.1:7000"), Destination = destination is null ? null : IPEndPoint.Parse(destination) },
            TestContext.Current.CancellationToken);
        Assert.Equal(IPAddress.Parse(bound), sockets.Bound?.Address);
    }

    private sealed class Recorder : IHostDatagramSockets
    {
        internal IPEndPoint? Bound { get; private set; }

        public BindResult BindUdp(IPEndPoint local)
        {
            Bound = local;
            return BindResult.Failed(DialFailureKind.Limit);
        }

        public BindResult BindEcho(AddressFamily family) => BindResult.Failed(DialFailureKind.Unsupported);
    }
}
