using Ginnel.WireGuard.Protocol;

namespace Ginnel.WireGuard.Tests;

/// <summary>A carrier that takes nothing for a while delays packets; it loses none that the tunnel has accepted, and none grows too old.</summary>
public sealed class FullCarrierTests : IAsyncDisposable
{
    private readonly TestInternet _internet = new();
    private readonly TunnelEnd _a;
    private readonly TunnelEnd _b;

    public FullCarrierTests()
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
    public void A_super_segment_that_meets_a_full_carrier_arrives_whole_once_there_is_room()
    {
        Meet();
        _a.Carrier.IsFull = true;
        _a.SendDatagrams(_b.Inside, count: 150, size: 400);
        _a.Carrier.HasRoom();
        _internet.Pump();
        Assert.Equal(Enumerable.Range(0, 150), _b.TakeDatagramNumbers());
        Assert.Equal(0, _a.Link.Counters.Unsent);
    }

    [Fact]
    public void What_waited_for_a_session_waits_on_while_the_carrier_is_full()
    {
        for (int i = 0; i < 100; i++) _a.Send(_b.Inside, $"{i}");
        _internet.Filter = (_, _, bytes) =>
        {
            if (bytes[0] == (byte)MessageType.Response) _a.Carrier.IsFull = true;
            return true;
        };
        _internet.Pump();
        _internet.Filter = null;
        Assert.Empty(_b.TakeTexts());
        for (int i = 0; i < 4; i++)
        {
            _a.Carrier.HasRoom(buffers: 1);
            _internet.Pump();
        }
        Assert.Equal([.. Enumerable.Range(0, 100).Select(i => $"{i}")], _b.TakeTexts());
    }

    [Fact]
    public void F4_what_waited_for_room_longer_than_its_session_lives_goes_by_a_new_one()
    {
        Meet();
        _a.Carrier.IsFull = true;
        _a.SendDatagrams(_b.Inside, count: 150, size: 400);
        _internet.Pass(TimeSpan.FromSeconds(181));
        int before = _internet.Sent.Count;
        _a.Carrier.HasRoom();
        _internet.Pass(TimeSpan.FromSeconds(6));
        Assert.Contains(_internet.Sent.Skip(before), datagram => datagram.Bytes[0] == (byte)MessageType.Initiation);
        // The batch that was sealed in time is refused for its age, the rest has waited for the new session.
        Assert.Equal(Enumerable.Range(64, 86), _b.TakeDatagramNumbers());
        Assert.Equal(64, _b.Link.Counters.BadTransport);
    }

    [Fact]
    public async Task What_waits_when_the_link_is_closed_goes_back_to_its_pool()
    {
        Meet();
        _a.Carrier.IsFull = true;
        _a.SendDatagrams(_b.Inside, count: 150, size: 400);
        // The end counts its packets when it is disposed of.
        await _a.DisposeAsync();
    }

    private void Meet()
    {
        _a.Send(_b.Inside, "hello");
        _internet.Pump();
        Assert.Equal(["hello"], _b.TakeTexts());
    }
}
