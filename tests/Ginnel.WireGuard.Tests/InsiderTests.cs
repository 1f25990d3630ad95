using System.Net;
using System.Reflection;
using Ginnel.Netstack;
using Ginnel.Testing;
using Ginnel.WireGuard.Protocol;

namespace Ginnel.WireGuard.Tests;

/// <summary>Cases of section 6 that only who knows the protocol, and may be a peer himself, can bring about.</summary>
public sealed class InsiderTests : IDisposable
{
    private static readonly DateTimeOffset Utc = DateTimeOffset.UnixEpoch.AddYears(50);
    private readonly UdpEndpoint _from = new(IPEndPoint.Parse("203.0.113.9:9"));
    private readonly WireGuardDevice _device;
    private readonly Stranger _eve;
    private readonly Stranger _dave;
    private readonly Peer _evesPeer;
    private readonly Peer _davesPeer;
    private readonly Outbox _outbox = new();
    private Instant _now = new(TimeSpan.TicksPerDay);

    public InsiderTests()
    {
        byte[] key = new byte[32];
        new SeededEntropy(1).Fill(key);
        _device = new WireGuardDevice(key, new SeededEntropy(2));
        (_eve, _dave) = (new Stranger(_device, 3), new Stranger(_device, 4));
        (_evesPeer, _davesPeer) = (_device.AddPeer(_eve.PublicKey, default)!, _device.AddPeer(_dave.PublicKey, default)!);
    }

    public void Dispose() => _device.Dispose();

    [Fact]
    public void F3_initiations_of_a_peer_are_answered_fifty_times_a_second_at_most()
    {
        Receive(_eve.Initiate(_now));
        Assert.Single(_outbox.Messages);
        _now += TimeSpan.FromMilliseconds(19);
        Receive(_eve.Initiate(_now, later: TimeSpan.FromSeconds(1)));
        Assert.Equal((1, 1), (_outbox.Messages.Count, _device.Counters.ReplayedHandshake));
        _now += TimeSpan.FromMilliseconds(2);
        Receive(_eve.Initiate(_now, later: TimeSpan.FromSeconds(2)));
        Assert.Equal(2, _outbox.Messages.Count);
    }

    [Fact]
    public void F9_a_peer_cannot_begin_in_the_name_of_another()
    {
        Receive(_eve.Pretend(_now, _dave.PublicKey));
        Assert.Equal(1, _device.Counters.BadHandshake);
        Assert.True(_outbox.IsEmpty);
        Assert.Null(_davesPeer.Endpoint);
        // In her own name the same way works.
        Receive(_eve.Pretend(_now, _eve.PublicKey));
        Assert.Single(_outbox.Messages);
    }

    [Fact]
    public void F5_an_ephemeral_key_of_low_order_opens_nothing_not_even_for_a_peer()
    {
        Receive(_eve.Pretend(_now, _eve.PublicKey, hasLowOrder: true));
        Assert.Equal(1, _device.Counters.BadHandshake);
        Assert.True(_outbox.IsEmpty);
        Assert.Null(_evesPeer.Endpoint);
    }

    [Fact]
    public void F9_an_answer_is_good_for_the_handshake_that_it_answers()
    {
        byte[] toEve = Begin(_evesPeer), toDave = Begin(_davesPeer);
        uint evesIndex = Messages.ReadIndex(toEve, Messages.InitiationSender), davesIndex = Messages.ReadIndex(toDave, Messages.InitiationSender);
        Receive(_eve.Answer(toEve, davesIndex, _now));
        Receive(_eve.Answer(toEve, evesIndex + 1, _now));
        Assert.Equal(2, _device.Counters.BadHandshake);
        Assert.Null(_davesPeer.Current);
        Receive(_eve.Answer(toEve, evesIndex, _now));
        Assert.NotNull(_evesPeer.Current);
        // It is good once.
        Receive(_eve.Answer(toEve, evesIndex, _now));
        Assert.Equal(3, _device.Counters.BadHandshake);
        Receive(_dave.Answer(toDave, davesIndex, _now));
        Assert.NotNull(_davesPeer.Current);
    }

    [Fact]
    public void F9_an_index_in_use_is_not_given_out_and_a_free_one_means_nothing()
    {
        SessionTable table = new(new Indices(7, 7, 7, 8, 7));
        Assert.Equal((7U, 8U), (table.Reserve(_evesPeer), table.Reserve(_davesPeer)));
        Assert.Same(_evesPeer, table.FindReserved(7));
        Assert.Null(table.Find(7));
        table.Remove(7);
        Assert.Null(table.FindReserved(7));
        Assert.Equal(7U, table.Reserve(_davesPeer));
    }

    [Fact]
    public void F4_who_has_sent_two_to_the_sixtieth_messages_renews_be_it_as_the_one_who_answered()
    {
        Session session = NewSession(isInitiator: false);
        (_evesPeer.Current, _evesPeer.Endpoint) = (session, _from);
        SetCounter(session, Timing.RekeyAfterMessages - 1);
        _device.Sent(session, hasData: true, Utc, _now, _outbox);
        Assert.Empty(_outbox.Messages);
        SetCounter(session, Timing.RekeyAfterMessages);
        _device.Sent(session, hasData: true, Utc, _now, _outbox);
        Assert.Equal((byte)MessageType.Initiation, Assert.Single(_outbox.Messages).Message[0]);
    }

    [Fact]
    public void F4_beyond_the_last_counter_nothing_is_sealed_and_nothing_opened()
    {
        using Session session = NewSession(isInitiator: true);
        byte[] message = new byte[Messages.TransportOverhead];
        SetCounter(session, Timing.RejectAfterMessages - 1);
        Assert.True(session.IsAlive(_now));
        Assert.True(session.TrySeal(default, message));
        Assert.True(session.TryOpen(message, out _));
        Assert.False(session.IsAlive(_now));
        Assert.False(session.TrySeal(default, message));
        // Even well sealed.
        byte[] beyond = new byte[Messages.TransportOverhead];
        using Ginnel.Crypto.ChaChaCipher cipher = new(new byte[32], seals: true);
        cipher.Seal(Timing.RejectAfterMessages, default, default, beyond.AsSpan(Messages.TransportHeader));
        BitConverter.TryWriteBytes(beyond.AsSpan(Messages.TransportCounter), Timing.RejectAfterMessages);
        Assert.False(session.TryOpen(beyond, out _));
    }

    private void Receive(byte[] message) => _device.ReceiveHandshake(_from, message, _now, _outbox);

    private byte[] Begin(Peer peer)
    {
        peer.Endpoint = _from;
        _device.BeginHandshake(peer, Utc, _now, isRetry: false, _outbox);
        byte[] message = _outbox.Messages[^1].Message;
        _outbox.Clear();
        return message;
    }

    private Session NewSession(bool isInitiator) => new(_evesPeer, 1, 2, isInitiator, _now, new byte[32], new byte[32]);

    private static void SetCounter(Session session, ulong counter) =>
        typeof(Session).GetField("_nextCounter", BindingFlags.Instance | BindingFlags.NonPublic)!.SetValue(session, counter);

    private sealed class Indices(params uint[] values) : EntropySource
    {
        private int _next;

        public override void Fill(Span<byte> destination) => BitConverter.TryWriteBytes(destination, values[_next++]);
    }
}
