using System.Net;
using Ginnel.WireGuard.Protocol;

namespace Ginnel.WireGuard.Tests;

/// <summary>F11: names of endpoints, which are resolved again when a handshake has no answer.</summary>
public sealed class EndpointNameTests : IAsyncDisposable
{
    private const string Name = "b.example";
    private readonly TestInternet _internet = new();
    private readonly TunnelEnd _a;
    private readonly TunnelEnd _b;

    public EndpointNameTests()
    {
        _a = new TunnelEnd(_internet, "192.0.2.1:51820", "10.0.0.1", 1);
        _b = new TunnelEnd(_internet, "192.0.2.2:51820", "10.0.0.2", 2);
        _b.Know(_a, knowsWhere: false);
    }

    public async ValueTask DisposeAsync()
    {
        await _a.DisposeAsync();
        await _b.DisposeAsync();
    }

    [Fact]
    public void F11_every_address_is_tried_in_turn()
    {
        _internet.Names.Answers[Name] = Addresses("198.51.100.1", "198.51.100.2", "192.0.2.2");
        _a.Know(_b, name: Name);
        _a.Send(_b.Inside, "hello");
        _internet.Pass(TimeSpan.FromSeconds(22));
        Assert.Equal(["198.51.100.1", "198.51.100.2", "192.0.2.2"], Tried().Distinct());
        Assert.Equal(["hello"], _b.TakeTexts());
    }

    [Fact]
    public void F11_every_address_is_tried_though_the_server_turns_them_round()
    {
        _internet.Names.Answers[Name] = Addresses("198.51.100.1", "192.0.2.2");
        // As round robin does: each answer begins with another address.
        _internet.Names.Answering = () => _internet.Names.Answers[Name] = [.. _internet.Names.Answers[Name].Skip(1), _internet.Names.Answers[Name][0]];
        _a.Know(_b, name: Name);
        _a.Send(_b.Inside, "hello");
        _internet.Pass(TimeSpan.FromSeconds(30));
        Assert.Equal(["hello"], _b.TakeTexts());
    }

    [Fact]
    public void F11_a_change_of_address_is_found_when_the_old_one_is_silent()
    {
        _internet.Names.Answers[Name] = Addresses("192.0.2.2");
        _a.Know(_b, name: Name);
        _a.Send(_b.Inside, "hello");
        _internet.Pump();
        Assert.Single(_internet.Names.Asked);
        _internet.Names.Answers[Name] = Addresses("203.0.113.7");
        _internet.Move(_b.Carrier, "203.0.113.7:51820");
        _a.Send(_b.Inside, "into the void");
        _internet.Pass(TimeSpan.FromSeconds(40));
        Assert.Equal(_b.Carrier.Endpoint, _a.Peer.Endpoint);
        _b.TakeTexts();
        _a.Send(_b.Inside, "found");
        _internet.Pump();
        Assert.Equal(["found"], _b.TakeTexts());
    }

    [Fact]
    public void F11_an_answer_that_comes_late_does_not_undo_roaming()
    {
        _internet.Names.Answers[Name] = Addresses("198.51.100.1");
        _a.Know(_b, name: Name);
        _a.Send(_b.Inside, "hello");
        _internet.Names.IsSlow = true;
        _internet.Pass(TimeSpan.FromSeconds(6));
        Assert.Equal(1, _internet.Names.Waiting);
        // While the question is asked B comes by itself, from elsewhere.
        _b.Link.RemovePeer(_a.PublicKey);
        _b.Know(_a);
        _b.Send(_a.Inside, "here I am");
        _internet.Pump();
        Assert.Equal(_b.Carrier.Endpoint, _a.Peer.Endpoint);
        _internet.Names.Release();
        Assert.Equal(_b.Carrier.Endpoint, _a.Peer.Endpoint);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(200)]
    public void F11_neither_questions_nor_initiations_multiply(int addresses)
    {
        if (addresses > 0) _internet.Names.Answers[Name] = [.. Enumerable.Range(0, addresses).Select(i => new IPAddress([198, 51, 100, (byte)i]))];
        _a.Know(_b, name: Name);
        for (int second = 0; second < 600; second++)
        {
            _a.Send(_b.Inside, "traffic");
            _internet.Pass(TimeSpan.FromSeconds(1));
        }
        Assert.InRange(_internet.Names.Asked.Count, 100, 121);
        Assert.All(_internet.Names.Asked.Zip(_internet.Names.Asked.Skip(1)), pair => Assert.InRange(pair.Second.At - pair.First.At, 5, 60));
        Assert.InRange(_internet.Sent.Count, addresses == 0 ? 0 : 100, addresses == 0 ? 0 : 121);
        Assert.All(_internet.Sent, datagram => Assert.Equal((byte)MessageType.Initiation, datagram.Bytes[0]));
        // Of many addresses so many are tried, then the first again.
        Assert.InRange(Tried().Distinct().Count(), 0, EndpointNames.MaxAddresses);
    }

    [Fact]
    public void F11_only_so_many_names_are_asked_at_once_and_none_is_forgotten()
    {
        _internet.Names.IsSlow = true;
        const int Peers = 100;
        for (int i = 0; i < Peers; i++)
        {
            _internet.Names.Answers[$"{i}.example"] = Addresses("198.51.100.1");
            byte[] key = new byte[32];
            (key[0], key[20]) = ((byte)(i + 100), 9);
            _a.Link.AddPeer(new WireGuardPeerOptions { PublicKey = key, Endpoint = new DnsEndPoint($"{i}.example", 51820) });
        }
        for (int round = 0; round < 20; round++)
        {
            Assert.InRange(_internet.Names.Waiting, 0, EndpointNames.MaxAtOnce);
            _internet.Names.Release();
        }
        Assert.Equal(Peers, _internet.Names.Asked.Count);
        Assert.All(_a.Link.Peers, peer => Assert.NotNull(peer.Endpoint));
    }

    [Fact]
    public void F11_strangers_cause_no_questions()
    {
        _internet.Names.Answers[Name] = Addresses("192.0.2.2");
        _a.Know(_b, name: Name);
        Random random = new(1);
        byte[] noise = new byte[Messages.InitiationSize];
        for (int i = 0; i < 1_000; i++)
        {
            random.NextBytes(noise);
            (noise[0], noise[1], noise[2], noise[3]) = ((byte)(1 + i % 2), 0, 0, 0);
            _a.Carrier.Receive(_b.Carrier.Endpoint, [.. noise[..(i % 2 == 0 ? Messages.InitiationSize : Messages.ResponseSize)]]);
        }
        _internet.Pass(TimeSpan.FromSeconds(20));
        Assert.Single(_internet.Names.Asked);
    }

    private static IPAddress[] Addresses(params string[] addresses) => [.. addresses.Select(IPAddress.Parse)];

    private IEnumerable<string> Tried() =>
        _internet.Sent.Where(datagram => datagram.From.Equals(_a.Carrier.Endpoint)).Select(datagram => ((UdpEndpoint)datagram.To).Address.Address.ToString());
}
