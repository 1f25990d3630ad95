using System.Security.Cryptography;

namespace Ginnel.Crypto.Tests;

/// <summary>F12: what is disposed of or forgotten is not in memory any more, ours or OpenSSL's.</summary>
[Collection(OwnMemory.Alone)]
public sealed class ForgettingTests
{
    private readonly OwnMemory _memory = new();

    [Fact]
    public void F12_the_search_finds_what_is_there()
    {
        Span<byte> secret = stackalloc byte[32];
        byte[] masked = OwnMemory.Create(secret);
        Assert.True(_memory.Holds(masked));
        CryptographicOperations.ZeroMemory(secret);
        Assert.False(_memory.Holds(masked));
    }

    [Fact]
    public void F12_the_keys_of_macs_are_forgotten()
    {
        _memory.LeavesNothing(() =>
        {
            Span<byte> first = stackalloc byte[32], second = stackalloc byte[32], output = stackalloc byte[32];
            byte[] maskedFirst = OwnMemory.Create(first), maskedSecond = OwnMemory.Create(second);
            Blake2s.Hmac(first, "data"u8, default, output);
            Blake2s.Mac(second, "data"u8, output[..16]);
            CryptographicOperations.ZeroMemory(first);
            CryptographicOperations.ZeroMemory(second);
            Blake2s.ForgetKeys();
            return [maskedFirst, maskedSecond];
        });
    }

    [Fact]
    public void F12_a_cipher_that_is_disposed_of_has_no_key()
    {
        _memory.LeavesNothing(() =>
        {
            Span<byte> key = stackalloc byte[32];
            byte[] masked = OwnMemory.Create(key);
            byte[] text = new byte[64];
            ChaChaCipher cipher = new(key, seals: true);
            cipher.Seal(1, default, default, text);
            ChaChaCipher.SealOne(key, 1, default, default, text);
            ChaChaCipher.TryOpenOne(key, 1, text, default, text);
            CryptographicOperations.ZeroMemory(key);
            Assert.True(_memory.Holds(masked));
            cipher.Dispose();
            return [masked];
        });
    }

    [Fact]
    public void F12_a_private_key_that_is_disposed_of_is_gone()
    {
        _memory.LeavesNothing(() =>
        {
            Span<byte> key = stackalloc byte[32], secret = stackalloc byte[32];
            byte[] masked = OwnMemory.Create(key);
            X25519Key held = new(key), other = new(stackalloc byte[32]);
            Assert.True(held.TryAgree(other.PublicKey, secret));
            byte[] maskedSecret = OwnMemory.Mask(secret);
            CryptographicOperations.ZeroMemory(key);
            CryptographicOperations.ZeroMemory(secret);
            held.Dispose();
            other.Dispose();
            return [masked, maskedSecret];
        });
    }
}
