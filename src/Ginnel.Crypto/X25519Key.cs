using System.Security.Cryptography;
using Ginnel.Crypto.Native;

namespace Ginnel.Crypto;

/// <summary>A private key for X25519 (RFC 7748), held by OpenSSL and cleared when it is disposed of. Thread-safe.</summary>
public sealed unsafe class X25519Key : IDisposable
{
    /// <summary>Bytes of a private key, a public key and a shared secret.</summary>
    public const int Size = 32;

    private readonly KeyHandle _key;
    private readonly byte[] _public = new byte[Size];

    /// <summary>A key from its 32 bytes, of which any are valid; the function clamps them itself (section 5).</summary>
    /// <param name="privateKey">Copied; clear it when you need it no longer.</param>
    public X25519Key(ReadOnlySpan<byte> privateKey)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(privateKey.Length, Size, nameof(privateKey));
        fixed (byte* bytes = privateKey)
            _key = new KeyHandle(OpenSsl.NotNull(LibCrypto.EVP_PKEY_new_raw_private_key(LibCrypto.KeyTypeX25519, 0, bytes, Size), "X25519"));
        nuint length = Size;
        fixed (byte* bytes = _public) OpenSsl.Check(LibCrypto.EVP_PKEY_get_raw_public_key(_key.Pointer, bytes, &length), "X25519");
    }

    /// <summary>The public key.</summary>
    public ReadOnlySpan<byte> PublicKey => _public;

    /// <summary>
    /// The secret that both sides come to. False for a peer's key of low order, by which the secret would be zero whatever ours is
    /// (section 6.1): the peer must be refused. The destination is cleared then.
    /// </summary>
    /// <param name="peerPublicKey">32 bytes, as they came from the peer.</param>
    /// <param name="secret">32 bytes.</param>
    public bool TryAgree(ReadOnlySpan<byte> peerPublicKey, Span<byte> secret)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(peerPublicKey.Length, Size, nameof(peerPublicKey));
        ArgumentOutOfRangeException.ThrowIfNotEqual(secret.Length, Size, nameof(secret));
        ObjectDisposedException.ThrowIf(_key.IsClosed, this);
        fixed (byte* bytes = peerPublicKey, output = secret)
        {
            // Strangers bring this about: it leaves nothing for the garbage collector.
            nint peer = LibCrypto.EVP_PKEY_new_raw_public_key(LibCrypto.KeyTypeX25519, 0, bytes, Size);
            nint context = peer == 0 ? 0 : LibCrypto.EVP_PKEY_CTX_new(_key.Pointer, 0);
            try
            {
                if (peer == 0) return Refuse(secret);
                nuint length = Size;
                OpenSsl.Check(LibCrypto.EVP_PKEY_derive_init(OpenSsl.NotNull(context, "EVP_PKEY_CTX_new")), "X25519");
                // OpenSSL checks the result for zero in constant time.
                bool isAgreed = LibCrypto.EVP_PKEY_derive_set_peer(context, peer) == 1
                    && LibCrypto.EVP_PKEY_derive(context, output, &length) == 1 && length == Size;
                return isAgreed || Refuse(secret);
            }
            finally
            {
                LibCrypto.EVP_PKEY_CTX_free(context);
                LibCrypto.EVP_PKEY_free(peer);
            }
        }
    }

    /// <summary>Clears the key.</summary>
    public void Dispose() => _key.Dispose();

    private static bool Refuse(Span<byte> secret)
    {
        LibCrypto.ERR_clear_error();
        CryptographicOperations.ZeroMemory(secret);
        return false;
    }
}
