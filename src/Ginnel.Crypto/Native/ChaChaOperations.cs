using System.Buffers.Binary;

namespace Ginnel.Crypto.Native;

/// <summary>ChaCha20-Poly1305 on an EVP_CIPHER_CTX, whoever owns it. Lengths are the callers' to check.</summary>
internal static unsafe class ChaChaOperations
{
    private const int NonceSize = 12, TagSize = ChaChaCipher.TagSize;
    private static readonly nint Algorithm = OpenSsl.NotNull(LibCrypto.EVP_CIPHER_fetch(0, "ChaCha20-Poly1305", null), "ChaCha20-Poly1305");

    /// <summary>Sets the key and the direction.</summary>
    public static void Initialize(nint context, ReadOnlySpan<byte> key, bool seals)
    {
        fixed (byte* bytes = key)
            OpenSsl.Check(LibCrypto.EVP_CipherInit_ex2(context, Algorithm, bytes, null, seals ? 1 : 0, 0), "EVP_CipherInit");
    }

    public static void Seal(nint context, ulong counter, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associated, Span<byte> destination)
    {
        fixed (byte* input = plaintext, additional = associated, output = destination)
        {
            int written;
            Begin(context, counter, additional, associated.Length);
            if (plaintext.Length > 0) OpenSsl.Check(LibCrypto.EVP_CipherUpdate(context, output, &written, input, plaintext.Length), "seal");
            OpenSsl.Check(LibCrypto.EVP_CipherFinal_ex(context, output + plaintext.Length, &written), "seal");
            OpenSsl.Check(LibCrypto.EVP_CIPHER_CTX_ctrl(context, LibCrypto.GetTag, TagSize, output + plaintext.Length), "tag");
        }
    }

    /// <summary>OpenSSL compares the tags in constant time.</summary>
    public static bool TryOpen(nint context, ulong counter, ReadOnlySpan<byte> sealedBytes, ReadOnlySpan<byte> associated, Span<byte> destination)
    {
        int length = sealedBytes.Length - TagSize;
        fixed (byte* input = sealedBytes, additional = associated, output = destination)
        {
            int written;
            byte rest;
            Begin(context, counter, additional, associated.Length);
            OpenSsl.Check(LibCrypto.EVP_CIPHER_CTX_ctrl(context, LibCrypto.SetTag, TagSize, input + length), "tag");
            if (length > 0) OpenSsl.Check(LibCrypto.EVP_CipherUpdate(context, output, &written, input, length), "open");
            return LibCrypto.EVP_CipherFinal_ex(context, length > 0 ? output + length : &rest, &written) == 1;
        }
    }

    private static void Begin(nint context, ulong counter, byte* additional, int additionalLength)
    {
        byte* nonce = stackalloc byte[NonceSize];
        *(uint*)nonce = 0;
        BinaryPrimitives.WriteUInt64LittleEndian(new Span<byte>(nonce + 4, 8), counter);
        int written;
        OpenSsl.Check(LibCrypto.EVP_CipherInit_ex2(context, 0, null, nonce, -1, 0), "nonce");
        if (additionalLength > 0) OpenSsl.Check(LibCrypto.EVP_CipherUpdate(context, null, &written, additional, additionalLength), "associated");
    }
}
