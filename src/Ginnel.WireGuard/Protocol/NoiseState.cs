using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Ginnel.Crypto;

namespace Ginnel.WireGuard.Protocol;

/// <summary>
/// The symmetric state of Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s: the chaining key and the hash over everything said so far (Noise,
/// section 5.2; paper, section 5.4). A value: a handshake that fails half-way leaves the original as it was.
/// </summary>
internal struct NoiseState
{
    private const int Size = Blake2s.HashSize;
    private static readonly NoiseState Initial = CreateInitial();
    private Bytes _chainingKey;
    private Bytes _hash;

    /// <summary>The state before the first message to a responder.</summary>
    public static NoiseState For(ReadOnlySpan<byte> responderPublicKey)
    {
        NoiseState state = Initial;
        state.MixHash(responderPublicKey);
        return state;
    }

    /// <summary>Binds what was said.</summary>
    public void MixHash(ReadOnlySpan<byte> data) => Blake2s.Hash(_hash, data, _hash);

    /// <summary>Binds a key that needs no secrecy of what follows: Kdf1.</summary>
    public void MixKey(ReadOnlySpan<byte> input) => Derive(input, _chainingKey, default, default);

    /// <summary>Binds a secret and yields a key: Kdf2.</summary>
    public void MixKey(ReadOnlySpan<byte> input, Span<byte> key) => Derive(input, _chainingKey, key, default);

    /// <summary>Binds the pre-shared key, mixes what it yields into the hash, and yields a key: Kdf3.</summary>
    public void MixPresharedKey(ReadOnlySpan<byte> presharedKey, Span<byte> key)
    {
        Span<byte> mixed = stackalloc byte[Size];
        Derive(presharedKey, _chainingKey, mixed, key);
        MixHash(mixed);
        CryptographicOperations.ZeroMemory(mixed);
    }

    /// <summary>Binds a secret, seals a piece with the key that comes of it, and binds the sealed piece.</summary>
    public void Seal(ReadOnlySpan<byte> key, ReadOnlySpan<byte> plaintext, Span<byte> destination)
    {
        ChaChaCipher.SealOne(key, counter: 0, plaintext, _hash, destination);
        MixHash(destination);
    }

    /// <summary>Opens a piece, and binds it if it is genuine.</summary>
    public bool TryOpen(ReadOnlySpan<byte> key, ReadOnlySpan<byte> sealedBytes, Span<byte> destination)
    {
        if (!ChaChaCipher.TryOpenOne(key, counter: 0, sealedBytes, _hash, destination)) return false;
        MixHash(sealedBytes);
        return true;
    }

    /// <summary>The transport keys: the initiator sends with the first.</summary>
    public readonly void Split(Span<byte> first, Span<byte> second)
    {
        Span<byte> root = stackalloc byte[Size];
        Blake2s.Hmac(_chainingKey, default, default, root);
        Expand(root, first, second, default);
        CryptographicOperations.ZeroMemory(root);
    }

    /// <summary>Forgets everything, and has OpenSSL forget the latest key: the transport keys would follow from it.</summary>
    public void Clear()
    {
        Blake2s.ForgetKeys();
        CryptographicOperations.ZeroMemory(_chainingKey);
        CryptographicOperations.ZeroMemory(_hash);
    }

    private void Derive(ReadOnlySpan<byte> input, Span<byte> first, Span<byte> second, Span<byte> third)
    {
        Span<byte> root = stackalloc byte[Size];
        Blake2s.Hmac(_chainingKey, input, default, root);
        Expand(root, first, second, third);
        CryptographicOperations.ZeroMemory(root);
    }

    // HKDF's expansion (RFC 5869, section 2.3) without further information.
    private static void Expand(ReadOnlySpan<byte> root, Span<byte> first, Span<byte> second, Span<byte> third)
    {
        Span<byte> previous = stackalloc byte[Size];
        Blake2s.Hmac(root, [1], default, previous);
        previous.CopyTo(first);
        if (!second.IsEmpty)
        {
            Blake2s.Hmac(root, previous, [2], previous);
            previous.CopyTo(second);
        }
        if (!third.IsEmpty)
        {
            Blake2s.Hmac(root, previous, [3], previous);
            previous.CopyTo(third);
        }
        CryptographicOperations.ZeroMemory(previous);
    }

    private static NoiseState CreateInitial()
    {
        NoiseState state = default;
        Blake2s.Hash("Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"u8, default, state._chainingKey);
        Blake2s.Hash(state._chainingKey, "WireGuard v1 zx2c4 Jason@zx2c4.com"u8, state._hash);
        return state;
    }

    [InlineArray(Size)]
    private struct Bytes
    {
        private byte _first;
    }
}
