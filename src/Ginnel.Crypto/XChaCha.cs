using System.Buffers.Binary;
using System.Security.Cryptography;
using Ginnel.Crypto.Native;

namespace Ginnel.Crypto;

/// <summary>
/// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03): a nonce of 24 bytes that may be random. The subkey comes from HChaCha20, the rest is
/// ChaCha20-Poly1305. For rare, short messages: each call sets its contexts up.
/// </summary>
public static unsafe class XChaCha
{
    /// <summary>Bytes of a nonce.</summary>
    public const int NonceSize = 24;

    private const int BlockSize = 64, BlockNonceSize = 16;
    private static readonly nint Block = OpenSsl.NotNull(LibCrypto.EVP_CIPHER_fetch(0, "ChaCha20", null), "ChaCha20");

    /// <summary>Encrypts and authenticates.</summary>
    /// <param name="key">32 bytes.</param>
    /// <param name="nonce">24 bytes, never the same twice with one key.</param>
    /// <param name="plaintext">What to seal.</param>
    /// <param name="associated">What is authenticated beside it.</param>
    /// <param name="destination">Plaintext's length + 16.</param>
    public static void Seal(
        ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associated, Span<byte> destination)
    {
        Span<byte> subkey = stackalloc byte[ChaChaCipher.KeySize];
        ulong counter = Derive(key, nonce, subkey);
        try
        {
            ChaChaCipher.SealOne(subkey, counter, plaintext, associated, destination);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(subkey);
        }
    }

    /// <summary>Verifies and decrypts; false for anything that was not sealed so.</summary>
    /// <param name="key">32 bytes.</param>
    /// <param name="nonce">24 bytes.</param>
    /// <param name="sealedBytes">Ciphertext and tag; of any length.</param>
    /// <param name="associated">What is authenticated beside it.</param>
    /// <param name="destination">The sealed length - 16.</param>
    public static bool TryOpen(
        ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> sealedBytes, ReadOnlySpan<byte> associated, Span<byte> destination)
    {
        Span<byte> subkey = stackalloc byte[ChaChaCipher.KeySize];
        ulong counter = Derive(key, nonce, subkey);
        try
        {
            return ChaChaCipher.TryOpenOne(subkey, counter, sealedBytes, associated, destination);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(subkey);
        }
    }

    /// <summary>HChaCha20 (section 2.2): a subkey from a key and the first 16 bytes of a nonce.</summary>
    internal static void DeriveSubkey(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, Span<byte> subkey)
    {
        Span<byte> block = stackalloc byte[BlockSize];
        block.Clear();
        using CipherContext context = CipherContext.Create();
        fixed (byte* keyBytes = key, nonceBytes = nonce[..BlockNonceSize], bytes = block)
        {
            int written;
            OpenSsl.Check(LibCrypto.EVP_CipherInit_ex2(context.Pointer, Block, keyBytes, nonceBytes, 1, 0), "ChaCha20");
            OpenSsl.Check(LibCrypto.EVP_CipherUpdate(context.Pointer, bytes, &written, bytes, BlockSize), "ChaCha20");
        }
        // A ChaCha20 block is its state after the rounds plus the state before. HChaCha20 wants rows 0 and 3 without that addition.
        ReadOnlySpan<byte> constants = "expand 32-byte k"u8;
        for (int i = 0; i < 16; i += 4)
        {
            Subtract(block[i..], constants[i..], subkey[i..]);
            Subtract(block[(48 + i)..], nonce[i..], subkey[(16 + i)..]);
        }
        CryptographicOperations.ZeroMemory(block);
    }

    private static void Subtract(ReadOnlySpan<byte> sum, ReadOnlySpan<byte> before, Span<byte> destination) =>
        BinaryPrimitives.WriteUInt32LittleEndian(destination,
            BinaryPrimitives.ReadUInt32LittleEndian(sum) - BinaryPrimitives.ReadUInt32LittleEndian(before));

    // The rest of the nonce takes the place of the counter.
    private static ulong Derive(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, Span<byte> subkey)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, ChaChaCipher.KeySize, nameof(key));
        ArgumentOutOfRangeException.ThrowIfNotEqual(nonce.Length, NonceSize, nameof(nonce));
        DeriveSubkey(key, nonce, subkey);
        return BinaryPrimitives.ReadUInt64LittleEndian(nonce[BlockNonceSize..]);
    }
}
