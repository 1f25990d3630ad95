using System.Security.Cryptography;
using System.Text;

namespace Ginnel.Crypto.Tests;

/// <summary>ChaCha20-Poly1305 and XChaCha20-Poly1305: the documents' vectors, and that nothing altered is ever opened.</summary>
public sealed class ChaChaTests
{
    private static readonly byte[] Key = Convert.FromHexString("1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0");

    /// <summary>RFC 8439, appendix A.5: its nonce is 4 zero bytes and a counter, as ours.</summary>
    [Fact]
    public void TheRfcsVectorOpens()
    {
        byte[] ciphertext = Convert.FromHexString(
            "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100d4f03b7f355894cf"
            + "332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c8559797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4"
            + "b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523eaf4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a"
            + "0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a1049e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29"
            + "a6ad5cb4022b02709b" + "eead9d67890cbb22392336fea1851f38");
        byte[] associated = Convert.FromHexString("f33388860000000000004e91");
        using ChaChaCipher opening = new(Key, seals: false), sealing = new(Key, seals: true);
        byte[] plaintext = new byte[ciphertext.Length - ChaChaCipher.TagSize];
        Assert.True(opening.TryOpen(0x0807060504030201, ciphertext, associated, plaintext));
        Assert.StartsWith("Internet-Drafts are draft documents valid", Encoding.UTF8.GetString(plaintext));
        byte[] again = new byte[ciphertext.Length];
        sealing.Seal(0x0807060504030201, plaintext, associated, again);
        Assert.Equal(ciphertext, again);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(1420)]
    [InlineData(65_535)]
    public void EveryLengthGoesThereAndBackInPlace(int length)
    {
        byte[] plaintext = RandomNumberGenerator.GetBytes(length);
        byte[] buffer = new byte[length + ChaChaCipher.TagSize];
        plaintext.CopyTo(buffer, 0);
        using ChaChaCipher sealing = new(Key, seals: true), opening = new(Key, seals: false);
        sealing.Seal(7, buffer.AsSpan(0, length), default, buffer);
        byte[] reference = new byte[length + ChaChaCipher.TagSize];
        byte[] nonce = [0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0];
        using (ChaCha20Poly1305 other = new(Key)) other.Encrypt(nonce, plaintext, reference.AsSpan(0, length), reference.AsSpan(length));
        Assert.Equal(reference, buffer);
        Assert.True(opening.TryOpen(7, buffer, default, buffer.AsSpan(0, length)));
        Assert.Equal(plaintext, buffer[..length]);
    }

    [Fact]
    public void NothingAlteredOpens()
    {
        byte[] text = new byte[32 + ChaChaCipher.TagSize], associated = [1, 2, 3];
        using ChaChaCipher sealing = new(Key, seals: true), opening = new(Key, seals: false);
        sealing.Seal(1, new byte[32], associated, text);
        byte[] output = new byte[32];
        for (int bit = 0; bit < text.Length * 8; bit++)
        {
            text[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(opening.TryOpen(1, text, associated, output));
            text[bit / 8] ^= (byte)(1 << (bit % 8));
        }
        for (int length = 0; length < text.Length; length++) Assert.False(opening.TryOpen(1, text.AsSpan(0, length), associated, output));
        Assert.False(opening.TryOpen(2, text, associated, output));
        Assert.False(opening.TryOpen(1, text, default, output));
        // After all these failures the context is as good as new.
        Assert.True(opening.TryOpen(1, text, associated, output));
        Assert.Equal(new byte[32], output);
    }

    [Fact]
    public void SteadyStateAllocatesNothing()
    {
        byte[] text = new byte[1420 + ChaChaCipher.TagSize];
        using ChaChaCipher sealing = new(Key, seals: true), opening = new(Key, seals: false);
        sealing.Seal(0, text.AsSpan(0, 1420), default, text);
        opening.TryOpen(0, text, default, text.AsSpan(0, 1420));
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (ulong counter = 1; counter <= 100; counter++)
        {
            sealing.Seal(counter, text.AsSpan(0, 1420), default, text);
            Assert.True(opening.TryOpen(counter, text, default, text.AsSpan(0, 1420)));
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    /// <summary>draft-irtf-cfrg-xchacha-03, section 2.2.1.</summary>
    [Fact]
    public void TheSubkeyIsTheDrafts()
    {
        byte[] key = [.. Enumerable.Range(0, 32).Select(i => (byte)i)], subkey = new byte[32];
        XChaCha.DeriveSubkey(key, Convert.FromHexString("000000090000004a0000000031415927"), subkey);
        Assert.Equal("82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc", Convert.ToHexStringLower(subkey));
    }

    /// <summary>draft-irtf-cfrg-xchacha-03, appendix A.3.1.</summary>
    [Fact]
    public void TheDraftsVectorGoesThereAndBack()
    {
        byte[] key = [.. Enumerable.Range(0x80, 32).Select(i => (byte)i)], nonce = [.. Enumerable.Range(0x40, 24).Select(i => (byte)i)];
        byte[] associated = Convert.FromHexString("50515253c0c1c2c3c4c5c6c7");
        byte[] plaintext = Encoding.ASCII.GetBytes(
            "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.");
        byte[] text = new byte[plaintext.Length + 16];
        XChaCha.Seal(key, nonce, plaintext, associated, text);
        Assert.Equal(
            "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
            + "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b13b52e"
            + "c0875924c1c7987947deafd8780acf49", Convert.ToHexStringLower(text));
        byte[] back = new byte[plaintext.Length];
        Assert.True(XChaCha.TryOpen(key, nonce, text, associated, back));
        Assert.Equal(plaintext, back);
        text[^1] ^= 1;
        Assert.False(XChaCha.TryOpen(key, nonce, text, associated, back));
        Assert.False(XChaCha.TryOpen(key, nonce, text.AsSpan(0, 15), associated, back));
    }

    [Fact]
    public void MisuseIsSaidSo()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new ChaChaCipher(new byte[31], seals: true));
        using ChaChaCipher sealing = new(Key, seals: true), opening = new(Key, seals: false);
        Assert.Throws<InvalidOperationException>(() => sealing.TryOpen(0, new byte[16], default, default));
        Assert.Throws<InvalidOperationException>(() => opening.Seal(0, default, default, new byte[16]));
        Assert.Throws<ArgumentOutOfRangeException>(() => sealing.Seal(0, new byte[1], default, new byte[16]));
        sealing.Dispose();
        Assert.Throws<ObjectDisposedException>(() => sealing.Seal(0, default, default, new byte[16]));
    }
}
