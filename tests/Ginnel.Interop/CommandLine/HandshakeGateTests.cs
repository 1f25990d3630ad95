using System.Net;
using Ginnel.Cli.Commands;

namespace Ginnel.Interop.CommandLine;

/// <summary>Silent strangers keep nobody away from an exit's listener.</summary>
public sealed class HandshakeGateTests
{
    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1", "192.0.2.2")]
    [InlineData("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.2")]
    [InlineData("2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::1")]
    public void ASourceHasItsShareAndNoMore(string first, string same, string other)
    {
        HandshakeGate gate = new();
        List<HandshakeGate.Place> places = [];
        for (int i = 0; i < HandshakeGate.MaxPerSource; i++)
        {
            Assert.True(gate.TryEnter(IPAddress.Parse(first), out HandshakeGate.Place? place));
            places.Add(place);
        }
        Assert.False(gate.TryEnter(IPAddress.Parse(same), out _));
        Assert.True(gate.TryEnter(IPAddress.Parse(other), out _));
        places[0].Leave();
        Assert.True(gate.TryEnter(IPAddress.Parse(same), out _));
        Assert.All(places, place => Assert.False(place.TurnedAway.IsCancellationRequested));
    }

    [Fact]
    public void TheOldestMakesRoom()
    {
        HandshakeGate gate = new();
        List<HandshakeGate.Place> places = [];
        for (int i = 0; i < HandshakeGate.MaxHandshakes; i++)
        {
            Assert.True(gate.TryEnter(new IPAddress([10, 0, 0, (byte)i]), out HandshakeGate.Place? place));
            places.Add(place);
        }
        Assert.True(gate.TryEnter(IPAddress.Parse("192.0.2.1"), out HandshakeGate.Place? friend));
        Assert.False(friend.TurnedAway.IsCancellationRequested);
        Assert.Equal([places[0]], places.Where(place => place.TurnedAway.IsCancellationRequested));
        // Who was turned away leaves as everybody does, and takes nobody's place with him.
        places[0].Leave();
        Assert.True(gate.TryEnter(IPAddress.Parse("192.0.2.2"), out _));
        Assert.True(places[1].TurnedAway.IsCancellationRequested);
    }
}
