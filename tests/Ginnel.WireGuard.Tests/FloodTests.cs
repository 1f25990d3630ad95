using System.Net;
using Ginnel.Netstack;
using Ginnel.Testing;
using Ginnel.WireGuard.Protocol;

namespace Ginnel.WireGuard.Tests;

/// <summary>F10: initiations that are well made, by keys that are nobody's.</summary>
public sealed class FloodTests : IDisposable
{
    private static readonly DateTimeOffset Utc = DateTimeOffset.UnixEpoch.AddYears(50);
    private readonly UdpEndpoint _from = new(IPEndPoint.Parse("203.0.113.9:9"));
    private readonly WireGuardDevice _device;
    private readonly Outbox _outbox = new();
    private Instant _now = new(TimeSpan.TicksPerDay);

    public FloodTests()
    {
        byte[] key = new byte[32];
        new SeededEntropy(1).Fill(key);
        _device = new WireGuardDevice(key, new SeededEntropy(2));
    }

    public void Dispose() => _device.Dispose();

    [Fact]
    public void F10_of_an_unknown_key_nothing_is_kept_nothing_is_allocated_and_nothing_is_said()
    {
        byte[][] initiations = [.. Enumerable.Range(0, 120).Select(i => new Stranger(_device, i).Initiate(_now))];
        for (int i = 0; i < 20; i++) Receive(initiations[i]);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 20; i < initiations.Length; i++) Receive(initiations[i]);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(initiations.Length, _device.Counters.UnknownPeer);
        Assert.Equal(0, _device.Counters.BadHandshake);
        Assert.True(_outbox.IsEmpty);
        Assert.Empty(_device.Peers);
        Assert.Equal(0, _device.Indices);

        void Receive(byte[] initiation)
        {
            _now += TimeSpan.FromMilliseconds(10);
            _device.ReceiveHandshake(_from, initiation, _now, _outbox);
        }
    }

    [Fact]
    public void F10_under_load_a_source_has_its_share_however_many_keys_it_invents()
    {
        Stranger[] strangers = [.. Enumerable.Range(0, 400).Select(i => new Stranger(_device, i))];
        foreach (Stranger stranger in strangers) _device.ReceiveHandshake(_from, stranger.Initiate(_now), _now, _outbox);
        Assert.Equal(LoadMeter.PerSecond, _device.Counters.UnknownPeer);
        Assert.Equal(strangers.Length - LoadMeter.PerSecond, _outbox.Messages.Count);
        Assert.Equal(_outbox.Messages.Count, _device.Counters.CookiesSent);
        // With the cookies, which it really receives: one answer to each has come, for the others nothing is gained.
        for (int i = 0; i < _outbox.Messages.Count; i++) Assert.True(strangers[LoadMeter.PerSecond + i].TryTake(_outbox.Messages[i].Message, _now));
        byte[][] again = [.. strangers[LoadMeter.PerSecond..].Select(stranger => stranger.Initiate(_now))];
        foreach (byte[] initiation in again) _device.ReceiveHandshake(_from, initiation, _now, _outbox);
        Assert.InRange(_device.Counters.UnknownPeer - LoadMeter.PerSecond, 1, 5);
        Assert.Equal(again.Length, _device.Counters.RateLimited + _device.Counters.UnknownPeer - LoadMeter.PerSecond);
    }
}
