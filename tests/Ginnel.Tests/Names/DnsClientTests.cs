using System.Buffers.Binary;
using System.Net;
using Ginnel.Wire;

namespace Ginnel.Tests;

public sealed class DnsClientTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private delegate void Fill(ref DnsWriter writer, DnsName asked, DnsType type);

    [Fact]
    public async Task Both_families_are_asked_and_aliases_followed()
    {
        await using Server server = new((ref DnsWriter writer, DnsName asked, DnsType type) =>
        {
            DnsName canonical = DnsName.Parse("host.example");
            writer.TryAddTarget(DnsSection.Answer, asked, DnsType.Cname, 60, canonical);
            writer.TryAddAddress(DnsSection.Answer, canonical, 60, type == DnsType.A ? IpAddress.FromV4(0xC000_0201) : IpAddress.FromV6(0x2001_0DB8_0000_0000, 1));
            writer.TryAddAddress(DnsSection.Answer, DnsName.Parse("stranger.example"), 60, IpAddress.FromV4(0xC000_0263));
        });
        NameResult result = await server.Client.ResolveAsync("web.example", Token);
        Assert.Equal([IPAddress.Parse("2001:db8::1"), IPAddress.Parse("192.0.2.1")], result.Addresses);
    }

    [Theory]
    [InlineData(DnsResponseCode.NameError)]
    [InlineData(DnsResponseCode.ServerFailure)]
    [InlineData(DnsResponseCode.NoError)]
    public async Task No_address_is_a_name_that_is_not_found(DnsResponseCode code)
    {
        await using Server server = new((ref DnsWriter _, DnsName _, DnsType _) => { }, code);
        NameResult result = await server.Client.ResolveAsync("web.example", Token);
        Assert.Equal(DialFailureKind.NameNotFound, result.Failure.Kind);
        Assert.Contains("web.example", result.Failure.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_loop_of_aliases_ends()
    {
        await using Server server = new((ref DnsWriter writer, DnsName asked, DnsType _) =>
        {
            DnsName other = DnsName.Parse("other.example");
            writer.TryAddTarget(DnsSection.Answer, asked, DnsType.Cname, 60, other);
            writer.TryAddTarget(DnsSection.Answer, other, DnsType.Cname, 60, asked);
        });
        Assert.Equal(DialFailureKind.NameNotFound, (await server.Client.ResolveAsync("web.example", Token)).Failure.Kind);
    }

    [Fact]
    public async Task An_answer_cut_short_is_fetched_over_tcp()
    {
        await using Server server = new((ref DnsWriter writer, DnsName asked, DnsType type) =>
        {
            if (type == DnsType.A) writer.TryAddAddress(DnsSection.Answer, asked, 60, IpAddress.FromV4(0xC000_0207));
        }, truncateUdp: true);
        Assert.Equal([IPAddress.Parse("192.0.2.7")], (await server.Client.ResolveAsync("web.example", Token)).Addresses);
    }

    [Theory]
    [InlineData("192.0.2.9", 1)]
    [InlineData("not a name..", 0)]
    public async Task What_is_no_name_is_not_asked(string text, int addresses)
    {
        await using Server server = new((ref DnsWriter _, DnsName _, DnsType _) => { });
        Assert.Equal(addresses, (await server.Client.ResolveAsync(text, Token)).Addresses.Count);
        Assert.Equal(0, server.Questions);
    }

    private sealed class Server : IAsyncDisposable
    {
        private readonly TestNetwork _network = new();
        private readonly Fill _fill;
        private readonly DnsResponseCode _code;
        private readonly bool _truncateUdp;
        private readonly IDatagramPort _port;
        private readonly StackListener _listener;
        private readonly Task _serving;

        internal Server(Fill fill, DnsResponseCode code = DnsResponseCode.NoError, bool truncateUdp = false)
        {
            (_fill, _code, _truncateUdp) = (fill, code, truncateUdp);
            _port = _network.Server.BindUdp(new IPEndPoint(IPAddress.Any, 53));
            _listener = _network.Server.Listen(new IPEndPoint(IPAddress.Any, 53));
            _serving = Task.WhenAll(ServeDatagramsAsync(), ServeConnectionsAsync());
            Client = new DnsClient(_network.Client.Dialer, new DnsClientOptions { Servers = [TestNetwork.ServerEnd(53)], Time = _network.Time });
        }

        internal DnsClient Client { get; }
        internal int Questions { get; private set; }

        private async Task ServeDatagramsAsync()
        {
            byte[] buffer = new byte[1500];
            try
            {
                while (true)
                {
                    DatagramItem item = await _port.ReceiveAsync(buffer);
                    await _port.SendAsync(Answer(buffer.AsSpan(0, item.Length), _truncateUdp), item.Remote);
                }
            }
            catch (ObjectDisposedException)
            {
            }
        }

        private async Task ServeConnectionsAsync()
        {
            while (await _listener.AcceptStreamAsync() is { } stream)
            {
                await using (stream)
                {
                    byte[] buffer = new byte[1500];
                    await stream.ReadExactlyAsync(buffer.AsMemory(0, 2));
                    int length = BinaryPrimitives.ReadUInt16BigEndian(buffer);
                    await stream.ReadExactlyAsync(buffer.AsMemory(0, length));
                    byte[] answer = Answer(buffer.AsSpan(0, length), truncate: false);
                    await stream.WriteAsync(new[] { (byte)(answer.Length >> 8), (byte)answer.Length });
                    await stream.WriteAsync(answer);
                }
            }
        }

        private byte[] Answer(ReadOnlySpan<byte> message, bool truncate)
        {
            Questions++;
            Assert.Equal(DropReason.None, DnsView.TryParse(message, out DnsView view));
            Assert.True(view.TryGetQuestion(out DnsQuestion question));
            DnsHeader header = view.Header;
            (header.IsResponse, header.ResponseCode, header.IsTruncated) = (true, _code, truncate);
            byte[] answer = new byte[1200];
            DnsWriter writer = new(answer, header);
            writer.TryAddQuestion(question.Name.ToName(), question.Type);
            if (!truncate) _fill(ref writer, question.Name.ToName(), question.Type);
            return answer[..writer.Length];
        }

        public async ValueTask DisposeAsync()
        {
            await _port.DisposeAsync();
            await _listener.DisposeAsync();
            await _serving;
            await _network.DisposeAsync();
        }
    }
}
