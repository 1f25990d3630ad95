using Ginnel.Crypto.Native;

namespace Ginnel.Crypto;

/// <summary>BLAKE2s (RFC 7693) as WireGuard needs it: hashes of 32 bytes, keyed MACs of 16, and HMAC. Contexts are kept for each thread.</summary>
public static unsafe class Blake2s
{
    /// <summary>Bytes of a hash and of an HMAC.</summary>
    public const int HashSize = 32;

    /// <summary>Bytes of a keyed MAC.</summary>
    public const int MacSize = 16;

    private static readonly nint Digest = OpenSsl.NotNull(LibCrypto.EVP_MD_fetch(0, "BLAKE2S-256", null), "BLAKE2S-256");
    private static readonly nint KeyedMac = OpenSsl.NotNull(LibCrypto.EVP_MAC_fetch(0, "BLAKE2SMAC", null), "BLAKE2SMAC");
    private static readonly nint HashMac = OpenSsl.NotNull(LibCrypto.EVP_MAC_fetch(0, "HMAC", null), "HMAC");

    [ThreadStatic] private static DigestContext? s_digest;
    [ThreadStatic] private static MacContext? s_keyedMac;
    [ThreadStatic] private static MacContext? s_hashMac;

    /// <summary>The hash of one piece after the other.</summary>
    /// <param name="first">The first piece.</param>
    /// <param name="second">The second; may be empty.</param>
    /// <param name="destination">32 bytes; may overlap the input.</param>
    public static void Hash(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(destination.Length, HashSize, nameof(destination));
        nint context = (s_digest ??= DigestContext.Create()).Pointer;
        fixed (byte* a = first, b = second, output = destination)
        {
            OpenSsl.Check(LibCrypto.EVP_DigestInit_ex2(context, Digest, 0), "BLAKE2s");
            OpenSsl.Check(LibCrypto.EVP_DigestUpdate(context, a, (nuint)first.Length), "BLAKE2s");
            OpenSsl.Check(LibCrypto.EVP_DigestUpdate(context, b, (nuint)second.Length), "BLAKE2s");
            OpenSsl.Check(LibCrypto.EVP_DigestFinal_ex(context, output, null), "BLAKE2s");
        }
    }

    /// <summary>A MAC with BLAKE2s's own key parameter.</summary>
    /// <param name="key">1–32 bytes.</param>
    /// <param name="data">What is authenticated.</param>
    /// <param name="destination">16 bytes.</param>
    public static void Mac(ReadOnlySpan<byte> key, ReadOnlySpan<byte> data, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(destination.Length, MacSize, nameof(destination));
        nuint size = MacSize;
        fixed (byte* name = "size\0"u8)
        {
            LibCrypto.Parameter* parameters = stackalloc LibCrypto.Parameter[2];
            parameters[0] = new LibCrypto.Parameter
            {
                Key = name, DataType = LibCrypto.Parameter.UnsignedInteger, Data = &size, DataSize = (nuint)sizeof(nuint),
            };
            parameters[1] = default;
            Compute((s_keyedMac ??= MacContext.Create(KeyedMac)).Pointer, parameters, key, data, default, destination);
        }
    }

    /// <summary>HMAC (RFC 2104) with BLAKE2s as its hash, of one piece after the other.</summary>
    /// <param name="key">The key, of any length but 0.</param>
    /// <param name="first">The first piece.</param>
    /// <param name="second">The second; may be empty.</param>
    /// <param name="destination">32 bytes; may overlap the input.</param>
    public static void Hmac(ReadOnlySpan<byte> key, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(destination.Length, HashSize, nameof(destination));
        fixed (byte* name = "digest\0"u8, hash = "BLAKE2S-256\0"u8)
        {
            LibCrypto.Parameter* parameters = stackalloc LibCrypto.Parameter[2];
            parameters[0] = new LibCrypto.Parameter { Key = name, DataType = LibCrypto.Parameter.Utf8String, Data = hash, DataSize = 11 };
            parameters[1] = default;
            Compute((s_hashMac ??= MacContext.Create(HashMac)).Pointer, parameters, key, first, second, destination);
        }
    }

    /// <summary>
    /// Makes this thread's contexts forget the keys of the latest MACs, which otherwise stay until the next: for who derives keys from keys.
    /// </summary>
    public static void ForgetKeys()
    {
        Span<byte> nothing = stackalloc byte[HashSize], output = stackalloc byte[HashSize];
        nothing.Clear();
        // A context clears its key when it gets another.
        if (s_hashMac is not null) Hmac(nothing, default, default, output);
        if (s_keyedMac is not null) Mac(nothing, default, output[..MacSize]);
    }

    private static void Compute(
        nint context, LibCrypto.Parameter* parameters, ReadOnlySpan<byte> key, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> destination)
    {
        fixed (byte* keyBytes = key, a = first, b = second, output = destination)
        {
            nuint written;
            OpenSsl.Check(LibCrypto.EVP_MAC_init(context, keyBytes, (nuint)key.Length, parameters), "MAC");
            OpenSsl.Check(LibCrypto.EVP_MAC_update(context, a, (nuint)first.Length), "MAC");
            if (second.Length > 0) OpenSsl.Check(LibCrypto.EVP_MAC_update(context, b, (nuint)second.Length), "MAC");
            OpenSsl.Check(LibCrypto.EVP_MAC_final(context, output, &written, (nuint)destination.Length), "MAC");
        }
    }
}
