using Ginnel.Crypto.Native;

namespace Ginnel.Crypto;

/// <summary>
/// ChaCha20-Poly1305 (RFC 8439) for one key and one direction, with a counter as nonce: 4 zero bytes and the counter, little-endian.
/// The context is set up once; a packet costs no allocation. Not thread-safe. Dispose clears the key.
/// </summary>
/// <remarks>Whoever seals must never use a counter twice with one key.</remarks>
public sealed class ChaChaCipher : IDisposable
{
    /// <summary>Bytes of a key.</summary>
    public const int KeySize = 32;

    /// <summary>Bytes by which sealing lengthens.</summary>
    public const int TagSize = 16;

    private readonly CipherContext _context = CipherContext.Create();
    private readonly bool _seals;

    /// <summary>A cipher that seals, or one that opens.</summary>
    /// <param name="key">32 bytes; copied.</param>
    /// <param name="seals">Which of the two it does.</param>
    public ChaChaCipher(ReadOnlySpan<byte> key, bool seals)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, KeySize, nameof(key));
        _seals = seals;
        ChaChaOperations.Initialize(_context.Pointer, key, seals);
    }

    /// <summary>Encrypts and authenticates.</summary>
    /// <param name="counter">Used once only with this key.</param>
    /// <param name="plaintext">What to seal.</param>
    /// <param name="associated">What is authenticated beside it.</param>
    /// <param name="destination">Plaintext's length + 16; may begin where the plaintext begins, else must not overlap it.</param>
    public void Seal(ulong counter, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associated, Span<byte> destination)
    {
        if (!_seals) throw new InvalidOperationException("This cipher opens.");
        ArgumentOutOfRangeException.ThrowIfLessThan(destination.Length, plaintext.Length + TagSize, nameof(destination));
        ObjectDisposedException.ThrowIf(_context.IsClosed, this);
        ChaChaOperations.Seal(_context.Pointer, counter, plaintext, associated, destination);
    }

    /// <summary>Verifies and decrypts; false for anything that was not sealed so. What is in the destination then means nothing.</summary>
    /// <param name="counter">The counter that it was sealed with.</param>
    /// <param name="sealedBytes">Ciphertext and tag; of any length.</param>
    /// <param name="associated">What is authenticated beside it.</param>
    /// <param name="destination">The sealed length - 16; may begin where the ciphertext begins, else must not overlap it.</param>
    public bool TryOpen(ulong counter, ReadOnlySpan<byte> sealedBytes, ReadOnlySpan<byte> associated, Span<byte> destination)
    {
        if (_seals) throw new InvalidOperationException("This cipher seals.");
        int length = sealedBytes.Length - TagSize;
        if (length < 0) return false;
        ArgumentOutOfRangeException.ThrowIfLessThan(destination.Length, length, nameof(destination));
        ObjectDisposedException.ThrowIf(_context.IsClosed, this);
        return ChaChaOperations.TryOpen(_context.Pointer, counter, sealedBytes, associated, destination);
    }

    /// <summary>As <see cref="Seal"/>, for a key that seals one message: nothing is kept, and nothing is allocated that is collected.</summary>
    /// <param name="key">32 bytes, of which the last copy here is cleared before the call returns.</param>
    /// <param name="counter">Used once only with this key.</param>
    /// <param name="plaintext">What to seal.</param>
    /// <param name="associated">What is authenticated beside it.</param>
    /// <param name="destination">Plaintext's length + 16; may begin where the plaintext begins, else must not overlap it.</param>
    public static void SealOne(ReadOnlySpan<byte> key, ulong counter, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associated, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, KeySize, nameof(key));
        ArgumentOutOfRangeException.ThrowIfLessThan(destination.Length, plaintext.Length + TagSize, nameof(destination));
        nint context = OpenSsl.NotNull(LibCrypto.EVP_CIPHER_CTX_new(), "EVP_CIPHER_CTX_new");
        try
        {
            ChaChaOperations.Initialize(context, key, seals: true);
            ChaChaOperations.Seal(context, counter, plaintext, associated, destination);
        }
        finally
        {
            LibCrypto.EVP_CIPHER_CTX_free(context);
        }
    }

    /// <summary>As <see cref="TryOpen"/>, for a key that opens one message: nothing is kept, and nothing is allocated that is collected.</summary>
    /// <param name="key">32 bytes, of which the last copy here is cleared before the call returns.</param>
    /// <param name="counter">The counter that it was sealed with.</param>
    /// <param name="sealedBytes">Ciphertext and tag; of any length.</param>
    /// <param name="associated">What is authenticated beside it.</param>
    /// <param name="destination">The sealed length - 16; may begin where the ciphertext begins, else must not overlap it.</param>
    public static bool TryOpenOne(
        ReadOnlySpan<byte> key, ulong counter, ReadOnlySpan<byte> sealedBytes, ReadOnlySpan<byte> associated, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, KeySize, nameof(key));
        if (sealedBytes.Length < TagSize) return false;
        ArgumentOutOfRangeException.ThrowIfLessThan(destination.Length, sealedBytes.Length - TagSize, nameof(destination));
        nint context = OpenSsl.NotNull(LibCrypto.EVP_CIPHER_CTX_new(), "EVP_CIPHER_CTX_new");
        try
        {
            ChaChaOperations.Initialize(context, key, seals: false);
            return ChaChaOperations.TryOpen(context, counter, sealedBytes, associated, destination);
        }
        finally
        {
            LibCrypto.EVP_CIPHER_CTX_free(context);
        }
    }

    /// <summary>Clears the key.</summary>
    public void Dispose() => _context.Dispose();
}
