using System.Text.Json;

namespace Ginnel.Crypto.Tests;

/// <summary>
/// F14: vectors of another implementation, in another language, that agrees with the documents' own. Lengths around every block, counters
/// around 32 bits, and plaintexts that were solved for so that Poly1305's sum or its tag lies at the edges of what it computes with: where
/// implementations forget a carry or the last reduction.
/// </summary>
public sealed class SealedVectorTests
{
    [Fact]
    public void F14_chacha20_poly1305_holds_and_nothing_altered_opens()
    {
        Vector[] vectors = Read("chacha20poly1305.json");
        Assert.True(vectors.Length >= 68);
        foreach (Vector vector in vectors)
        {
            using ChaChaCipher sealing = new(vector.KeyBytes, seals: true), opening = new(vector.KeyBytes, seals: false);
            byte[] text = new byte[vector.PlaintextBytes.Length + ChaChaCipher.TagSize];
            sealing.Seal(vector.Counter, vector.PlaintextBytes, vector.AssociatedBytes, text);
            Assert.Equal((vector.Comment, vector.Sealed), (vector.Comment, Convert.ToHexStringLower(text)));
            Array.Clear(text);
            ChaChaCipher.SealOne(vector.KeyBytes, vector.Counter, vector.PlaintextBytes, vector.AssociatedBytes, text);
            Assert.Equal(vector.Sealed, Convert.ToHexStringLower(text));
            Check(vector, text, (bytes, associated, output) => opening.TryOpen(vector.Counter, bytes, associated, output)
                == ChaChaCipher.TryOpenOne(vector.KeyBytes, vector.Counter, bytes, associated, output) ? opening.TryOpen(vector.Counter, bytes, associated, output) : null);
        }
    }

    [Fact]
    public void F14_xchacha20_poly1305_holds_and_nothing_altered_opens()
    {
        Vector[] vectors = Read("xchacha20poly1305.json");
        Assert.True(vectors.Length >= 12);
        foreach (Vector vector in vectors)
        {
            byte[] nonce = Convert.FromHexString(vector.Nonce!), text = new byte[vector.PlaintextBytes.Length + ChaChaCipher.TagSize];
            XChaCha.Seal(vector.KeyBytes, nonce, vector.PlaintextBytes, vector.AssociatedBytes, text);
            Assert.Equal(vector.Sealed, Convert.ToHexStringLower(text));
            Check(vector, text, (bytes, associated, output) => XChaCha.TryOpen(vector.KeyBytes, nonce, bytes, associated, output));
            foreach (int at in (int[])[0, 15, 16, 23])
            {
                nonce[at] ^= 1;
                Assert.False(XChaCha.TryOpen(vector.KeyBytes, nonce, text, vector.AssociatedBytes, new byte[vector.PlaintextBytes.Length]));
                nonce[at] ^= 1;
            }
        }
    }

    // Opens what was sealed; refuses it with any of the tag's bits turned, a tag of zeros or ones, other associated data, or cut short.
    private static void Check(Vector vector, byte[] text, Func<byte[], byte[], byte[], bool?> tryOpen)
    {
        byte[] output = new byte[vector.PlaintextBytes.Length], associated = vector.AssociatedBytes;
        Assert.True(tryOpen(text, associated, output));
        Assert.Equal(vector.PlaintextBytes, output);
        for (int bit = 0; bit < 8 * ChaChaCipher.TagSize; bit++)
        {
            text[^(1 + bit / 8)] ^= (byte)(1 << (bit % 8));
            Assert.False(tryOpen(text, associated, output));
            text[^(1 + bit / 8)] ^= (byte)(1 << (bit % 8));
        }
        foreach (byte fill in (byte[])[0, 0xFF])
        {
            byte[] forged = [.. text[..^ChaChaCipher.TagSize], .. Enumerable.Repeat(fill, ChaChaCipher.TagSize)];
            if (!forged.AsSpan().SequenceEqual(text)) Assert.False(tryOpen(forged, associated, output));
        }
        Assert.False(tryOpen(text, [.. associated, 0], output));
        Assert.False(tryOpen(text[..^1], associated, output));
        Assert.True(tryOpen(text, associated, output));
    }

    private static Vector[] Read(string name) => JsonSerializer.Deserialize<Vector[]>(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "vectors", name)), JsonSerializerOptions.Web)!;

    private sealed record Vector(string? Comment, string Key, string? Nonce, ulong Counter, string Associated, string Plaintext, string Sealed)
    {
        public byte[] KeyBytes { get; } = Convert.FromHexString(Key);
        public byte[] AssociatedBytes { get; } = Convert.FromHexString(Associated);
        public byte[] PlaintextBytes { get; } = Convert.FromHexString(Plaintext);
    }
}
