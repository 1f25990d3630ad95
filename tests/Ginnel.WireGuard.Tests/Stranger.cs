using Ginnel.Crypto;
using Ginnel.Netstack;
using Ginnel.Testing;
using Ginnel.WireGuard.Protocol;

namespace Ginnel.WireGuard.Tests;

/// <summary>Somebody who knows a device's public key and has one of his own, which the device may know or not; he speaks the protocol, or nearly.</summary>
internal sealed class Stranger
{
    private static readonly DateTimeOffset Utc = DateTimeOffset.UnixEpoch.AddYears(50);
    private readonly StaticKey _key;
    private readonly Peer _them;
    private readonly EntropySource _entropy;

    public Stranger(WireGuardDevice device, int seed)
    {
        _entropy = new SeededEntropy((ulong)seed + 1_000);
        byte[] key = new byte[32];
        _entropy.Fill(key);
        _key = new StaticKey(key);
        _them = Peer.TryCreate(_key, device.PublicKey.ToArray(), default, number: 1, new DeviceCounters())!;
    }

    public byte[] PublicKey => _key.PublicKey.ToArray();

    /// <summary>An initiation without fault.</summary>
    public byte[] Initiate(Instant now, TimeSpan later = default)
    {
        byte[] message = new byte[Messages.InitiationSize];
        using PendingHandshake pending = Handshake.CreateInitiation(_key, _them, localIndex: 7, Tai64n.From(Utc + later), _entropy, message);
        _them.Cookies.AddMacs(message, now);
        return message;
    }

    /// <summary>An initiation in the name of somebody else, or with an ephemeral key of zeros, whose secret everybody knows.</summary>
    public byte[] Pretend(Instant now, ReadOnlySpan<byte> name, bool hasLowOrder = false)
    {
        byte[] message = new byte[Messages.InitiationSize], secret = new byte[32], key = new byte[32], label = new byte[Tai64n.Size];
        byte[] privateKey = new byte[32];
        _entropy.Fill(privateKey);
        using X25519Key ephemeral = new(privateKey);
        byte[] shown = hasLowOrder ? new byte[32] : ephemeral.PublicKey.ToArray();
        NoiseState state = NoiseState.For(_them.PublicKey);
        Messages.Begin(message, MessageType.Initiation);
        Messages.WriteIndex(message, Messages.InitiationSender, 7);
        shown.CopyTo(message, Messages.InitiationEphemeral);
        state.MixKey(shown);
        state.MixHash(shown);
        if (!hasLowOrder) Assert.True(ephemeral.TryAgree(_them.PublicKey, secret));
        state.MixKey(secret, key);
        state.Seal(key, name, message.AsSpan(Messages.InitiationStatic, Messages.KeySize + Messages.TagSize));
        state.MixKey(_them.StaticSecret, key);
        Tai64n.From(Utc).Write(label);
        state.Seal(key, label, message.AsSpan(Messages.InitiationTimestamp, Tai64n.Size + Messages.TagSize));
        _them.Cookies.AddMacs(message, now);
        return message;
    }

    /// <summary>Answers an initiation that was sent to him, as if it had come with another index.</summary>
    public byte[] Answer(ReadOnlySpan<byte> initiation, uint receiver, Instant now)
    {
        Assert.True(Handshake.TryReadInitiator(_key, initiation, out ReceivedInitiation received));
        Assert.True(Handshake.TryReadTimestamp(_them, initiation, ref received, out _));
        byte[] response = new byte[Messages.ResponseSize];
        using Session session = Handshake.CreateResponse(_them, received, localIndex: 9, now, _entropy, response)!;
        Messages.WriteIndex(response, Messages.ResponseReceiver, receiver);
        _them.Cookies.AddMacs(response, now);
        return response;
    }

    public bool TryTake(byte[] cookieReply, Instant now) => _them.Cookies.TryTake(cookieReply, now);
}
