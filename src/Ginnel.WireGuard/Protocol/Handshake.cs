using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Ginnel.Crypto;
using Ginnel.Netstack;

namespace Ginnel.WireGuard.Protocol;

/// <summary>
/// The two messages of Noise IKpsk2 (paper, sections 5.4.2 and 5.4.3), one method per message and role. Nothing here knows of time-outs or
/// endpoints; a method that fails has changed nothing.
/// </summary>
internal static class Handshake
{
    /// <summary>Writes an initiation, without its macs.</summary>
    public static PendingHandshake CreateInitiation(StaticKey ourKey, Peer peer, uint localIndex, Tai64n timestamp, EntropySource entropy, Span<byte> message)
    {
        NoiseState state = NoiseState.For(peer.PublicKey);
        X25519Key ephemeral = CreateEphemeral(entropy);
        Span<byte> key = stackalloc byte[Messages.KeySize], secret = stackalloc byte[Messages.KeySize], label = stackalloc byte[Tai64n.Size];
        try
        {
            Messages.Begin(message, MessageType.Initiation);
            Messages.WriteIndex(message, Messages.InitiationSender, localIndex);
            ephemeral.PublicKey.CopyTo(message[Messages.InitiationEphemeral..]);
            state.MixKey(ephemeral.PublicKey);
            state.MixHash(ephemeral.PublicKey);
            // A peer whose key is of low order was refused when it was added: these agreements cannot fail.
            if (!ephemeral.TryAgree(peer.PublicKey, secret)) throw new CryptographicException("The peer's public key is of low order.");
            state.MixKey(secret, key);
            state.Seal(key, ourKey.PublicKey, message[Messages.InitiationStatic..Messages.InitiationTimestamp]);
            state.MixKey(peer.StaticSecret, key);
            timestamp.Write(label);
            state.Seal(key, label, message.Slice(Messages.InitiationTimestamp, Tai64n.Size + Messages.TagSize));
            return new PendingHandshake(ephemeral, state, localIndex);
        }
        finally
        {
            Wipe(key, secret);
            state.Clear();
        }
    }

    /// <summary>Opens the first half of an initiation: who claims to send it.</summary>
    public static bool TryReadInitiator(StaticKey ourKey, ReadOnlySpan<byte> message, out ReceivedInitiation received)
    {
        received = default;
        NoiseState state = NoiseState.For(ourKey.PublicKey);
        ReadOnlySpan<byte> ephemeral = message.Slice(Messages.InitiationEphemeral, Messages.KeySize);
        Span<byte> key = stackalloc byte[Messages.KeySize], secret = stackalloc byte[Messages.KeySize];
        KeyBuffer claimed = default;
        try
        {
            state.MixKey(ephemeral);
            state.MixHash(ephemeral);
            if (!ourKey.Key.TryAgree(ephemeral, secret)) return false;
            state.MixKey(secret, key);
            if (!state.TryOpen(key, message[Messages.InitiationStatic..Messages.InitiationTimestamp], claimed)) return false;
            received = new ReceivedInitiation(state, claimed, ephemeral, Messages.ReadIndex(message, Messages.InitiationSender));
            return true;
        }
        finally
        {
            Wipe(key, secret);
            state.Clear();
        }
    }

    /// <summary>Opens the second half: only who has the peer's private key can have made it.</summary>
    public static bool TryReadTimestamp(Peer peer, ReadOnlySpan<byte> message, ref ReceivedInitiation received, out Tai64n timestamp)
    {
        timestamp = default;
        Span<byte> key = stackalloc byte[Messages.KeySize], label = stackalloc byte[Tai64n.Size];
        received.State.MixKey(peer.StaticSecret, key);
        bool isGenuine = received.State.TryOpen(key, message.Slice(Messages.InitiationTimestamp, Tai64n.Size + Messages.TagSize), label);
        CryptographicOperations.ZeroMemory(key);
        if (isGenuine) timestamp = Tai64n.Read(label);
        return isGenuine;
    }

    /// <summary>Writes the answer to an initiation, without its macs, and makes the session; null for an ephemeral key of low order.</summary>
    public static Session? CreateResponse(Peer peer, in ReceivedInitiation received, uint localIndex, Instant now, EntropySource entropy, Span<byte> message)
    {
        NoiseState state = received.State;
        using X25519Key ephemeral = CreateEphemeral(entropy);
        Span<byte> key = stackalloc byte[Messages.KeySize], secret = stackalloc byte[Messages.KeySize];
        try
        {
            Messages.Begin(message, MessageType.Response);
            Messages.WriteIndex(message, Messages.ResponseSender, localIndex);
            Messages.WriteIndex(message, Messages.ResponseReceiver, received.SenderIndex);
            ephemeral.PublicKey.CopyTo(message[Messages.ResponseEphemeral..]);
            state.MixHash(ephemeral.PublicKey);
            state.MixKey(ephemeral.PublicKey);
            if (!ephemeral.TryAgree(received.Ephemeral, secret)) return null;
            state.MixKey(secret);
            if (!ephemeral.TryAgree(received.Claimed, secret)) return null;
            state.MixKey(secret);
            state.MixPresharedKey(peer.PresharedKey, key);
            state.Seal(key, default, message.Slice(Messages.ResponseNothing, Messages.TagSize));
            return CreateSession(state, peer, localIndex, received.SenderIndex, isInitiator: false, now);
        }
        finally
        {
            Wipe(key, secret);
            state.Clear();
        }
    }

    /// <summary>Opens the answer to our initiation; null if it is not genuine.</summary>
    public static Session? ConsumeResponse(StaticKey ourKey, Peer peer, PendingHandshake pending, ReadOnlySpan<byte> message, Instant now)
    {
        NoiseState state = pending.State;
        ReadOnlySpan<byte> ephemeral = message.Slice(Messages.ResponseEphemeral, Messages.KeySize);
        Span<byte> key = stackalloc byte[Messages.KeySize], secret = stackalloc byte[Messages.KeySize];
        try
        {
            state.MixHash(ephemeral);
            state.MixKey(ephemeral);
            if (!pending.Ephemeral.TryAgree(ephemeral, secret)) return null;
            state.MixKey(secret);
            if (!ourKey.Key.TryAgree(ephemeral, secret)) return null;
            state.MixKey(secret);
            state.MixPresharedKey(peer.PresharedKey, key);
            if (!state.TryOpen(key, message.Slice(Messages.ResponseNothing, Messages.TagSize), default)) return null;
            uint remoteIndex = Messages.ReadIndex(message, Messages.ResponseSender);
            return CreateSession(state, peer, pending.LocalIndex, remoteIndex, isInitiator: true, now);
        }
        finally
        {
            Wipe(key, secret);
            state.Clear();
        }
    }

    private static Session CreateSession(in NoiseState state, Peer peer, uint localIndex, uint remoteIndex, bool isInitiator, Instant now)
    {
        Span<byte> first = stackalloc byte[Messages.KeySize], second = stackalloc byte[Messages.KeySize];
        state.Split(first, second);
        try
        {
            return isInitiator
                ? new Session(peer, localIndex, remoteIndex, isInitiator, now, first, second)
                : new Session(peer, localIndex, remoteIndex, isInitiator, now, second, first);
        }
        finally
        {
            Wipe(first, second);
        }
    }

    private static X25519Key CreateEphemeral(EntropySource entropy)
    {
        Span<byte> bytes = stackalloc byte[X25519Key.Size];
        entropy.Fill(bytes);
        X25519Key key = new(bytes);
        CryptographicOperations.ZeroMemory(bytes);
        return key;
    }

    private static void Wipe(Span<byte> first, Span<byte> second)
    {
        CryptographicOperations.ZeroMemory(first);
        CryptographicOperations.ZeroMemory(second);
    }
}

/// <summary>What we remember of an initiation that waits for its answer.</summary>
internal sealed class PendingHandshake(X25519Key ephemeral, NoiseState state, uint localIndex) : IDisposable
{
    private NoiseState _state = state;

    public X25519Key Ephemeral { get; } = ephemeral;

    public NoiseState State => _state;

    public uint LocalIndex { get; } = localIndex;

    /// <summary>Whether we have answered an initiation of the peer's meanwhile.</summary>
    public bool IsCrossed { get; set; }

    /// <summary>Wipes its secrets.</summary>
    public void Dispose()
    {
        Ephemeral.Dispose();
        _state.Clear();
    }
}

/// <summary>An initiation, opened as far as we are. Strangers make them: it lives on the stack alone.</summary>
internal ref struct ReceivedInitiation(NoiseState state, KeyBuffer claimed, ReadOnlySpan<byte> ephemeral, uint senderIndex)
{
    private KeyBuffer _claimed = claimed;

    public NoiseState State = state;

    /// <summary>Who claims to send it.</summary>
    [UnscopedRef]
    public ReadOnlySpan<byte> Claimed => _claimed;

    /// <summary>Its ephemeral key, where it stands in the message.</summary>
    public ReadOnlySpan<byte> Ephemeral { get; } = ephemeral;

    public uint SenderIndex { get; } = senderIndex;
}

/// <summary>Room for a key on the stack.</summary>
[InlineArray(Messages.KeySize)]
internal struct KeyBuffer
{
    private byte _first;
}
