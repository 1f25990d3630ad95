using System.Buffers.Binary;
using Ginnel.Crypto.Native;

namespace Ginnel.Crypto;

/// <summary>
/// ChaCha20-Poly1305 (RFC 8439) for one key and one direction, with a counter as nonce: 4 zero bytes and the counter, little-endian.
/// The context is set up once; a packet costs no allocation. Not thread-safe. Dispose clears the key.
/// </summary>
/// <remarks>Whoever seals must never use a counter twice with one key.</remarks>
public sealed unsafe class ChaChaCipher : IDisposable
{
    /// <summary>Bytes of a key.</summary>
    public const int KeySize = 32;

    /// <summary>Bytes by which sealing lengthens.</summary>
    public const int TagSize = 16;

    private const int NonceSize = 12;
    private static readonly nint Algorithm = OpenSsl.NotNull(LibCrypto.EVP_CIPHER_fetch(0, "ChaCha20-Poly1305", null), "ChaCha20-Poly1305");
    private readonly CipherContext _context = CipherContext.Create();
    private readonly bool _seals;

    /// <summary>A cipher that seals, or one that opens.</summary>
    /// <param name="key">32 bytes; copied.</param>
    /// <param name="seals">Which of the two it does.</param>
    public ChaChaCipher(ReadOnlySpan<byte> key, bool seals)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, KeySize, nameof(key));
        _seals = seals;
        fixed (byte* bytes = key)
            OpenSsl.Check(LibCrypto.EVP_CipherInit_ex2(_context.Pointer, Algorithm, bytes, null, seals ? 1 : 0, 0), "EVP_CipherInit");
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
        fixed (byte* input = plaintext, additional = associated, output = destination)
        {
            int written;
            Begin(counter, additional, associated.Length);
            if (plaintext.Length > 0) OpenSsl.Check(LibCrypto.EVP_CipherUpdate(_context.Pointer, output, &written, input, plaintext.Length), "seal");
            OpenSsl.Check(LibCrypto.EVP_CipherFinal_ex(_context.Pointer, output + plaintext.Length, &written), "seal");
            OpenSsl.Check(LibCrypto.EVP_CIPHER_CTX_ctrl(_context.Pointer, LibCrypto.GetTag, TagSize, output + plaintext.Length), "tag");
        }
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
        fixed (byte* input = sealedBytes, additional = associated, output = destination)
        {
            int written;
            byte rest;
            Begin(counter, additional, associated.Length);
            OpenSsl.Check(LibCrypto.EVP_CIPHER_CTX_ctrl(_context.Pointer, LibCrypto.SetTag, TagSize, input + length), "tag");
            if (length > 0) OpenSsl.Check(LibCrypto.EVP_CipherUpdate(_context.Pointer, output, &written, input, length), "open");
            return LibCrypto.EVP_CipherFinal_ex(_context.Pointer, length > 0 ? output + length : &rest, &written) == 1;
        }
    }

    /// <summary>Clears the key.</summary>
    public void Dispose() => _context.Dispose();

    private void Begin(ulong counter, byte* additional, int additionalLength)
    {
        ObjectDisposedException.ThrowIf(_context.IsClosed, this);
        byte* nonce = stackalloc byte[NonceSize];
        *(uint*)nonce = 0;
        BinaryPrimitives.WriteUInt64LittleEndian(new Span<byte>(nonce + 4, 8), counter);
        int written;
        OpenSsl.Check(LibCrypto.EVP_CipherInit_ex2(_context.Pointer, 0, null, nonce, -1, 0), "nonce");
        if (additionalLength > 0) OpenSsl.Check(LibCrypto.EVP_CipherUpdate(_context.Pointer, null, &written, additional, additionalLength), "associated");
    }
}
