using System.Buffers.Binary;
using Ginnel.Netstack;
using Ginnel.Testing;
using Ginnel.WireGuard.Protocol;

namespace Ginnel.WireGuard.Tests;

/// <summary>Who reads everything on the network and knows the rules: what no end may ever do, whatever has happened to it.</summary>
internal sealed class ProtocolObserver(SimulatedTime time)
{
    private readonly Queue<string> _tail = new();
    private readonly HashSet<(CarrierEndpoint To, uint Index, ulong Counter)> _counters = [];
    private readonly Dictionary<uint, Instant> _firstUse = [];
    private readonly Dictionary<(CarrierEndpoint From, CarrierEndpoint To), Instant> _lastInitiation = [];

    /// <summary>The latest messages, for who wants to know how it came to this.</summary>
    public string Tail => string.Join('\n', _tail);

    /// <summary>Initiations so far.</summary>
    public int Initiations { get; private set; }

    /// <summary>While a carrier takes nothing, messages wait in it that were sealed in time.</summary>
    public bool MayBeLate { get; set; }

    public void Observe(CarrierEndpoint from, CarrierEndpoint to, byte[] bytes)
    {
        _tail.Enqueue($"{time.Now.Ticks / 1e7:F3} s: {from} > {to} {Messages.TypeOf(bytes)}, {bytes.Length} B");
        if (_tail.Count > 40) _tail.Dequeue();
        switch (Messages.TypeOf(bytes))
        {
            case MessageType.Initiation:
                Initiations++;
                // REKEY_TIMEOUT between initiations of one end to another.
                if (_lastInitiation.TryGetValue((from, to), out Instant last)) Assert.True(time.Now - last >= Timing.RekeyTimeout, "Initiations follow each other too fast.");
                _lastInitiation[(from, to)] = time.Now;
                break;
            case MessageType.Transport:
                uint index = Messages.ReadIndex(bytes, Messages.TransportReceiver);
                ulong counter = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(Messages.TransportCounter));
                // A counter that is used twice with one key gives the plaintext away.
                Assert.True(_counters.Add((to, index, counter)), "A counter is used twice.");
                if (_firstUse.TryAdd(index, time.Now) || MayBeLate) break;
                Assert.True(time.Now - _firstUse[index] < Timing.RejectAfterTime, "A session is used after REJECT_AFTER_TIME.");
                break;
            case MessageType.Response or MessageType.CookieReply:
                break;
            default:
                Assert.Fail("That is no message.");
                break;
        }
    }

    /// <summary>An end has forgotten a peer, and with it when it last began with it.</summary>
    public void HasForgotten(CarrierEndpoint end)
    {
        foreach ((CarrierEndpoint From, CarrierEndpoint To) pair in _lastInitiation.Keys)
            if (pair.From.Equals(end)) _lastInitiation.Remove(pair);
    }
}
