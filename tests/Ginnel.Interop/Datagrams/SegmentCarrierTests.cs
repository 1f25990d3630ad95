using System.Net;
using Ginnel.Linux.Carriers;
using Ginnel.Wire;

namespace Ginnel.Interop.Datagrams;

/// <summary>What a tunnel's carrier tells of the datagrams that it carries, over the loopback of this machine.</summary>
public sealed class SegmentCarrierTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>IPv4, IPv6, and IPv4 through a socket of both; one datagram and many in one call.</summary>
    public static TheoryData<string, string, int> Ways => new()
    {
        { "127.0.0.1", "127.0.0.1", 1 }, { "127.0.0.1", "127.0.0.1", 5 }, { "::1", "::1", 1 }, { "::1", "::1", 5 },
        { "::", "127.0.0.1", 1 }, { "::", "127.0.0.1", 5 }, { "::", "::1", 5 },
    };

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task TheEcnFieldGoesWithADatagram(string bound, string target, int count)
    {
        using CancellationTokenSource limit = new(Patience);
        await using UdpSegmentCarrier sender = UdpSegmentCarrier.Bind(new IPEndPoint(IPAddress.Parse(bound), 0));
        await using UdpSegmentCarrier receiver = UdpSegmentCarrier.Bind(new IPEndPoint(IPAddress.Parse(bound), 0));
        Assert.True(sender.CarriesEcn && receiver.CarriesEcn);
        Inbox inbox = new();
        Task running = receiver.RunAsync(inbox, limit.Token);
        UdpEndpoint to = new(new IPEndPoint(IPAddress.Parse(target), ((IPEndPoint)receiver.LocalEndPoint!).Port));
        foreach (EcnCodepoint ecn in Enum.GetValues<EcnCodepoint>())
        {
            Assert.True(sender.TrySend(to, new byte[100 * count], 100, ecn));
            for (int i = 0; i < count; i++) Assert.Equal((100, ecn), await inbox.TakeAsync(limit.Token));
        }
        await receiver.DisposeAsync();
        await running;
    }

    private sealed class Inbox : ICarrierSink
    {
        private readonly System.Threading.Channels.Channel<(int, EcnCodepoint)> _arrived = System.Threading.Channels.Channel.CreateUnbounded<(int, EcnCodepoint)>();

        public ValueTask<(int Length, EcnCodepoint Ecn)> TakeAsync(CancellationToken token) => _arrived.Reader.ReadAsync(token);

        public void Deliver(CarrierEndpoint from, Span<byte> datagrams, int segmentSize) => throw new InvalidOperationException("The field was not told.");

        public void Deliver(CarrierEndpoint from, Span<byte> datagrams, int segmentSize, EcnCodepoint ecn)
        {
            for (; !datagrams.IsEmpty; datagrams = datagrams[Math.Min(segmentSize, datagrams.Length)..])
                _arrived.Writer.TryWrite((Math.Min(segmentSize, datagrams.Length), ecn));
        }

        public void EndOfBatch()
        {
        }

        public void Writable()
        {
        }
    }
}
