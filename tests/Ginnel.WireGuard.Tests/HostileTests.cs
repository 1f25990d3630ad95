using System.Net;
using Ginnel.Netstack;
using Ginnel.Testing;
using Ginnel.WireGuard.Protocol;

namespace Ginnel.WireGuard.Tests;

/// <summary>The attack cases of section 6, each by its number.</summary>
public sealed class HostileTests : IAsyncDisposable
{
    private readonly TestInternet _internet = new();
    private readonly TunnelEnd _a;
    private readonly TunnelEnd _b;
    private readonly UdpEndpoint _stranger = new(IPEndPoint.Parse("203.0.113.9:9"));

    public HostileTests()
    {
        _a = new TunnelEnd(_internet, "192.0.2.1:51820", "10.0.0.1", 1);
        _b = new TunnelEnd(_internet, "192.0.2.2:51820", "10.0.0.2", 2);
        _a.Know(_b);
        _b.Know(_a, knowsWhere: false);
    }

    public async ValueTask DisposeAsync()
    {
        await _a.DisposeAsync();
        await _b.DisposeAsync();
    }

    [Fact]
    public void F1_under_load_only_who_receives_is_answered_and_work_is_bounded()
    {
        byte[] initiation = FirstInitiation();
        // Genuine macs, but nothing else: what an attacker who knows our public key can send.
        for (int i = 0; i < 3 * LoadMeter.PerSecond; i++) _b.Carrier.Receive(_stranger, initiation);
        Assert.InRange(_b.Link.Counters.CookiesSent, LoadMeter.PerSecond, 3 * LoadMeter.PerSecond);
        Assert.InRange(_b.Link.Counters.BadHandshake + _b.Link.Counters.ReplayedHandshake, 1, LoadMeter.PerSecond);
        // A friend comes while the load lasts: it gets a cookie, and with it gets in.
        _internet.Sent.Clear();
        _a.Send(_b.Inside, "hello");
        for (int quarter = 0; quarter < 60; quarter++)
        {
            for (int i = 0; i < 150; i++) _b.Carrier.Receive(_stranger, initiation);
            _internet.Pass(TimeSpan.FromMilliseconds(250));
        }
        Assert.Contains(_internet.Sent, datagram => datagram.Bytes[0] == (byte)MessageType.CookieReply && datagram.To.Equals(_a.Carrier.Endpoint));
        Assert.Equal(["hello", "hello"], _b.TakeTexts());
    }

    [Fact]
    public void F2_strangers_hear_nothing_whatever_they_send()
    {
        byte[] initiation = FirstInitiation();
        int before = _internet.Sent.Count;
        Random random = new(1);
        for (int bit = 0; bit < initiation.Length * 8; bit++)
        {
            byte[] altered = [.. initiation];
            altered[bit / 8] ^= (byte)(1 << (bit % 8));
            // Mac2 is empty without load and says nothing.
            if (bit / 8 < initiation.Length - 16) _b.Carrier.Receive(_stranger, altered);
        }
        for (int length = 0; length < 300; length++)
        {
            byte[] noise = new byte[length];
            random.NextBytes(noise);
            _b.Carrier.Receive(_stranger, noise);
            if (length >= 4) (noise[0], noise[1], noise[2], noise[3]) = ((byte)(length % 6), 0, 0, 0);
            _b.Carrier.Receive(_stranger, noise);
        }
        Assert.Equal(before, _internet.Sent.Count);
        Assert.Null(_b.Peer.Endpoint);
        Assert.Null(_b.Peer.LastHandshake);
    }

    [Fact]
    public void F3_an_initiation_is_good_once()
    {
        byte[] initiation = FirstInitiation();
        _b.Carrier.Receive(_a.Carrier.Endpoint, initiation);
        int before = _internet.Sent.Count;
        _internet.Pass(TimeSpan.FromSeconds(1));
        _b.Carrier.Receive(_stranger, initiation);
        Assert.Equal(1, _b.Link.Counters.ReplayedHandshake);
        Assert.DoesNotContain(_internet.Sent.Skip(before), datagram => datagram.To.Equals(_stranger));
        Assert.Equal(_a.Carrier.Endpoint, _b.Peer.Endpoint);
    }

    [Fact]
    public void F4_a_message_is_good_once_and_altered_never()
    {
        Meet();
        _a.Send(_b.Inside, "once");
        byte[] message = _internet.Sent[^1].Bytes;
        _internet.Pump();
        Assert.Equal(["once"], _b.TakeTexts());
        _b.Carrier.Receive(_a.Carrier.Endpoint, [.. message]);
        for (int bit = 32; bit < message.Length * 8; bit++)
        {
            byte[] altered = [.. message];
            altered[bit / 8] ^= (byte)(1 << (bit % 8));
            _b.Carrier.Receive(_a.Carrier.Endpoint, altered);
        }
        Assert.Empty(_b.TakeTexts());
    }

    [Fact]
    public void F5_a_key_of_low_order_is_no_peer()
    {
        Assert.Throws<ArgumentException>(() => _a.Link.AddPeer(new WireGuardPeerOptions { PublicKey = new byte[32] }));
        byte[] one = new byte[32];
        one[0] = 1;
        Assert.Throws<ArgumentException>(() => _a.Link.AddPeer(new WireGuardPeerOptions { PublicKey = one }));
        Assert.Throws<ArgumentException>(() => _a.Link.AddPeer(new WireGuardPeerOptions { PublicKey = _a.PublicKey }));
        Assert.Throws<ArgumentException>(() => _a.Link.AddPeer(new WireGuardPeerOptions { PublicKey = _b.PublicKey }));
        Assert.Throws<ArgumentException>(() => _a.Link.AddPeer(new WireGuardPeerOptions { PublicKey = new byte[31] }));
    }

    [Fact]
    public void F6_a_peer_that_is_refused_for_its_addresses_is_not_there()
    {
        byte[] key = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
        WireGuardPeerOptions mapped = new() { PublicKey = key, AllowedIps = [IPNetwork.Parse("::ffff:10.0.0.0/120")] };
        Assert.ThrowsAny<ArgumentException>(() => _a.Link.AddPeer(mapped));
        Assert.Single(_a.Link.Peers);
    }

    [Fact]
    public void F6_a_peer_speaks_for_its_own_addresses_only()
    {
        Meet();
        _a.Send(_b.Inside, "I am somebody else", IPAddress.Parse("10.0.0.77"));
        _internet.Pump();
        Assert.Empty(_b.TakeTexts());
        Assert.Equal(1, _b.Link.Counters.BadPacket);
        _a.Send(IPAddress.Parse("10.9.9.9"), "to nobody");
        Assert.Equal(1, _a.Link.Counters.NoPeer);
    }

    [Fact]
    public async Task F6_the_longest_prefix_wins_and_a_prefix_moves_to_whom_it_is_given()
    {
        await using TunnelEnd c = new(_internet, "192.0.2.3:51820", "10.0.0.3", 3);
        c.Know(_a, knowsWhere: false);
        _a.Know(c, allowed: ["10.0.0.0/8"]);
        _a.Send(IPAddress.Parse("10.0.0.2"), "to b");
        _a.Send(IPAddress.Parse("10.0.0.3"), "to c");
        _internet.Pump();
        Assert.Equal(["to b"], _b.TakeTexts());
        Assert.Equal(["to c"], c.TakeTexts());
        Assert.True(_a.Link.SetAllowedIps(c.PublicKey, [IPNetwork.Parse("10.0.0.2/32")]));
        _a.Send(IPAddress.Parse("10.0.0.2"), "moved");
        _a.Send(IPAddress.Parse("10.0.0.3"), "nobody's");
        _internet.Pump();
        Assert.Empty(_b.TakeTexts());
        Assert.Equal(["moved"], c.TakeTexts());
        Assert.Equal(1, _a.Link.Counters.NoPeer);
    }

    [Fact]
    public void F7_an_endpoint_of_another_carrier_is_refused_at_once_not_on_the_timers_thread()
    {
        byte[] key = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
        WireGuardPeerOptions lost = new() { PublicKey = key, CarrierEndpoint = new OtherEndpoint(), PersistentKeepalive = TimeSpan.FromSeconds(1) };
        Assert.Throws<ArgumentException>(() => _a.Link.AddPeer(lost));
        Assert.Single(_a.Link.Peers);
        // One link-local address on two interfaces is two endpoints.
        UdpEndpoint first = new(IPEndPoint.Parse("[fe80::1%2]:7")), second = new(IPEndPoint.Parse("[fe80::1%3]:7"));
        Assert.NotEqual<CarrierEndpoint>(first, second);
        byte[] bytes = new byte[CarrierEndpoint.MaxBytes], others = new byte[CarrierEndpoint.MaxBytes];
        Assert.Equal(first.WriteBytes(bytes), second.WriteBytes(others));
        Assert.NotEqual(bytes, others);
    }

    [Fact]
    public void F7_an_endpoint_follows_genuine_messages_and_no_others()
    {
        Meet();
        _a.Send(_b.Inside, "from here");
        byte[] message = _internet.Sent[^1].Bytes;
        byte[] altered = [.. message];
        altered[^1] ^= 1;
        _b.Carrier.Receive(_stranger, altered);
        Assert.Equal(_a.Carrier.Endpoint, _b.Peer.Endpoint);
        _internet.Pump();
        // A replay from elsewhere is not genuine either.
        _b.Carrier.Receive(_stranger, [.. message]);
        Assert.Equal(_a.Carrier.Endpoint, _b.Peer.Endpoint);
        _internet.Move(_a.Carrier, "198.51.100.1:1234");
        _a.Send(_b.Inside, "from there");
        _internet.Pump();
        Assert.Equal(_a.Carrier.Endpoint, _b.Peer.Endpoint);
        _b.Send(_a.Inside, "found you");
        _internet.Pump();
        Assert.Equal(["found you"], _a.TakeTexts());
    }

    [Fact]
    public void F8_what_is_no_packet_stays_outside_and_padding_is_taken_off()
    {
        Meet();
        _a.Send(_b.Inside, "x");
        Assert.Equal(0, (_internet.Sent[^1].Bytes.Length - Messages.TransportOverhead) % Messages.PaddingMultiple);
        _internet.Pump();
        Assert.Equal(21, Assert.Single(_b.Arrived).Length);
        Assert.False(IpHeader.TryReadSource([], out _, out _));
        Assert.False(IpHeader.TryReadSource([0x45, 0, 0, 20], out _, out _));
        byte[] packet = TunnelEnd.Bytes(_a.Inside, _b.Inside, [1, 2, 3]);
        Assert.True(IpHeader.TryReadSource([.. packet, 0, 0, 0], out _, out int length));
        Assert.Equal(23, length);
        Assert.False(IpHeader.TryReadSource(packet.AsSpan(0, 22), out _, out _));
        packet[0] = 0x55;
        Assert.False(IpHeader.TryReadSource(packet, out _, out _));
        packet[0] = 0x45;
        (packet[2], packet[3]) = (0, 19);
        Assert.False(IpHeader.TryReadSource(packet, out _, out _));
        // ::ffff:10.0.0.1 as an IPv6 address must not pass for 10.0.0.1.
        byte[] mapped = new byte[40];
        mapped[0] = 0x60;
        (mapped[18], mapped[19], mapped[20], mapped[23]) = (0xFF, 0xFF, 10, 1);
        Assert.False(IpHeader.TryReadSource(mapped, out _, out _));
    }

    [Fact]
    public async Task F12_no_key_stands_in_what_can_be_printed()
    {
        byte[] preshared = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
        await using TunnelEnd c = new(_internet, "192.0.2.3:51820", "10.0.0.3", 3);
        c.Know(_a, presharedKey: preshared);
        string text = c.Peer + " " + c.Link + " " + c.Link.Counters;
        Assert.DoesNotContain(Convert.ToBase64String(preshared), text);
        Assert.DoesNotContain(Convert.ToBase64String(c.PrivateKey), text);
    }

    [Fact]
    public void F16_ten_thousand_peers_cost_what_is_due()
    {
        byte[] key = new byte[32];
        for (int i = 0; i < 10_000; i++)
        {
            // Any point but those of low order will do.
            BitConverter.TryWriteBytes(key, i + 100);
            key[20] = 9;
            _a.Link.AddPeer(new WireGuardPeerOptions
            {
                PublicKey = [.. key], PersistentKeepalive = TimeSpan.FromSeconds(25), AllowedIps = [new IPNetwork(new IPAddress([11, 0, (byte)(i >> 8), (byte)i]), 32)],
                CarrierEndpoint = _stranger,
            });
        }
        _internet.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.InRange(_internet.Sent.Count, 10_000, 10_001);
        _internet.Time.Advance(TimeSpan.FromSeconds(4));
        Assert.InRange(_internet.Sent.Count, 10_000, 10_001);
    }

    [Fact]
    public void F16_what_is_due_at_once_is_done_in_pieces_and_no_deadline_stays_behind()
    {
        WireGuardDevice device = new(_a.PrivateKey, new SeededEntropy(1));
        Instant now = new(TimeSpan.TicksPerDay);
        DateTimeOffset utc = DateTimeOffset.UnixEpoch.AddYears(50);
        Peer[] peers = new Peer[100];
        byte[] key = new byte[32];
        for (int i = 0; i < peers.Length; i++)
        {
            BitConverter.TryWriteBytes(key, i + 100);
            key[20] = 9;
            peers[i] = device.AddPeer(key, default)!;
            peers[i].Endpoint = _stranger;
            device.SetPersistentKeepalive(peers[i], TimeSpan.FromHours(18), now);
        }
        Outbox outbox = new();
        device.Advance(utc, now, outbox);
        // So many under one hold of the lock; the others are due at once.
        Assert.Equal(WireGuardDevice.MaxAtOnce, outbox.Messages.Count);
        Assert.True(device.NextDeadline <= now);
        // For ten minutes each has a timer that is set and taken back, again and again, before one that is far off.
        for (int second = 0; second < 600; second += 10)
        {
            now += TimeSpan.FromSeconds(10);
            foreach (Peer peer in peers)
            {
                peer.Timers.HandshakeCompleted();
                peer.Timers.Received(now, peer.PersistentKeepalive);
                device.BeginHandshake(peer, utc + TimeSpan.FromSeconds(second), now, isRetry: false, outbox);
            }
            outbox.Clear();
            while (device.NextDeadline <= now) device.Advance(utc, now, outbox);
            Assert.Equal(peers.Length, device.QueuedDeadlines);
        }
        foreach (Peer peer in peers) device.RemovePeer(peer.PublicKey);
        Assert.Equal(0, device.QueuedDeadlines);
        device.Dispose();
    }

    private byte[] FirstInitiation()
    {
        _a.Send(_b.Inside, "hello");
        byte[] initiation = _internet.Sent[^1].Bytes;
        Assert.Equal((byte)MessageType.Initiation, initiation[0]);
        _internet.Filter = (_, _, _) => false;
        _internet.Pump();
        _internet.Filter = null;
        return initiation;
    }

    private void Meet()
    {
        _a.Send(_b.Inside, "hello");
        _internet.Pump();
        Assert.Equal(["hello"], _b.TakeTexts());
    }

    private sealed class OtherEndpoint : CarrierEndpoint
    {
        public override UInt128 LimitKey => 0;

        public override int WriteBytes(Span<byte> destination) => 0;

        public override bool Equals(CarrierEndpoint? other) => ReferenceEquals(this, other);

        public override int GetHashCode() => 0;
    }
}
