using Ginnel.Wire;

namespace Ginnel.WireGuard.Tests;

/// <summary>Congestion marks through the tunnel (RFC 6040): outside as inside on the way in, combined on the way out.</summary>
public sealed class EcnCarriageTests : IAsyncDisposable
{
    private readonly TestInternet _internet = new();
    private readonly TunnelEnd _a, _b;

    public EcnCarriageTests()
    {
        _a = new TunnelEnd(_internet, "192.0.2.1:1000", "10.0.0.1", 1);
        _b = new TunnelEnd(_internet, "198.51.100.2:2000", "10.0.0.2", 2);
        _a.Know(_b);
        _b.Know(_a);
        _a.Send(_b.Inside, "hello");
        _internet.Pump();
        Assert.Equal(["hello"], _b.TakeTexts());
        // Handshake, keepalive and a packet without ECN: nothing of it may be marked.
        Assert.Empty(_internet.Fields);
        _internet.Sent.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        await _a.DisposeAsync();
        await _b.DisposeAsync();
    }

    [Theory]
    [InlineData(EcnCodepoint.NotEct)]
    [InlineData(EcnCodepoint.Ect0)]
    [InlineData(EcnCodepoint.Ect1)]
    [InlineData(EcnCodepoint.CongestionExperienced)]
    public void The_field_goes_outside(EcnCodepoint inner)
    {
        _a.Send(_b.Inside, "text", ecn: inner);
        _internet.Pump();
        Assert.Equal(inner, _internet.Fields.GetValueOrDefault(Assert.Single(_internet.Sent).Bytes));
        Assert.Equal(inner, EcnField.Read(Assert.Single(_b.Arrived)));
    }

    [Theory]
    [InlineData(EcnCodepoint.Ect0)]
    [InlineData(EcnCodepoint.Ect1)]
    public void A_mark_outside_goes_on_inside(EcnCodepoint inner)
    {
        _internet.Router = ecn => ecn == EcnCodepoint.NotEct ? ecn : EcnCodepoint.CongestionExperienced;
        _a.Send(_b.Inside, "marked", ecn: inner);
        _a.Send(_b.Inside, "unmarked");
        _internet.Pump();
        Assert.Equal([EcnCodepoint.CongestionExperienced, EcnCodepoint.NotEct], _b.Arrived.Select(packet => EcnField.Read(packet)));
        Assert.All(_b.Arrived, packet => Assert.Equal(0xFFFF, Checksum.Fold(Checksum.Sum(packet.AsSpan(0, 20)))));
        Assert.Equal(["marked", "unmarked"], _b.TakeTexts());
    }

    [Fact]
    public void A_mark_that_nobody_would_understand_drops_the_packet()
    {
        _internet.Router = _ => EcnCodepoint.CongestionExperienced;
        _a.Send(_b.Inside, "lost");
        _internet.Pump();
        Assert.Empty(_b.Arrived);
        Assert.Equal(1, _b.Link.Counters.Congested);
    }

    /// <summary>What differs in its field goes in calls of its own, for a call's datagrams are of one field.</summary>
    [Fact]
    public void Packets_of_several_fields_keep_their_order()
    {
        EcnCodepoint[] fields = [EcnCodepoint.Ect0, EcnCodepoint.Ect0, EcnCodepoint.NotEct, EcnCodepoint.CongestionExperienced, EcnCodepoint.Ect0];
        for (int i = 0; i < fields.Length; i++) _a.Send(_b.Inside, $"{i}", ecn: fields[i]);
        _internet.Pump();
        Assert.Equal(fields, _b.Arrived.Select(packet => EcnField.Read(packet)));
        Assert.Equal(["0", "1", "2", "3", "4"], _b.TakeTexts());
    }

    /// <summary>A carrier that cannot tell of marks must not be given anything that may be marked (section 4.3).</summary>
    [Fact]
    public void A_carrier_without_the_field_is_never_marked()
    {
        _a.Carrier.CarriesEcn = false;
        _a.Send(_b.Inside, "text", ecn: EcnCodepoint.Ect0);
        _internet.Pump();
        Assert.Empty(_internet.Fields);
        Assert.Equal(EcnCodepoint.Ect0, EcnField.Read(Assert.Single(_b.Arrived)));
        _b.Carrier.CarriesEcn = false;
        _b.Send(_a.Inside, "back", ecn: EcnCodepoint.Ect0);
        _internet.Pump();
        Assert.Equal(EcnCodepoint.Ect0, EcnField.Read(Assert.Single(_a.Arrived)));
    }
}
