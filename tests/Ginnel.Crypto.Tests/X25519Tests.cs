using System.Text.Json;

namespace Ginnel.Crypto.Tests;

/// <summary>X25519: RFC 7748's vectors, odd public keys computed by a ladder in another language, and keys that must be refused.</summary>
public sealed class X25519Tests
{
    private static readonly Vector[] Vectors = JsonSerializer.Deserialize<Vector[]>(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "vectors", "x25519.json")), JsonSerializerOptions.Web)!;

    /// <summary>Section 5.2.</summary>
    [Theory]
    [InlineData(
        "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4", "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
        "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")]
    [InlineData(
        "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d", "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
        "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957")]
    public void TheRfcsVectorsHold(string secret, string point, string result) => Assert.Equal(result, Agree(secret, point));

    /// <summary>Section 5.2: the function applied to its own results.</summary>
    [Theory]
    [InlineData(1, "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079")]
    [InlineData(1_000, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51")]
    public void TheRfcsChainHolds(int rounds, string result)
    {
        byte[] secret = new byte[32], point = new byte[32];
        secret[0] = point[0] = 9;
        for (int i = 0; i < rounds; i++)
        {
            byte[] next = new byte[32];
            using X25519Key key = new(secret);
            Assert.True(key.TryAgree(point, next));
            (secret, point) = (next, secret);
        }
        Assert.Equal(result, Convert.ToHexStringLower(secret));
    }

    /// <summary>Section 6.1.</summary>
    [Fact]
    public void BothSidesComeToTheSameSecret()
    {
        using X25519Key bob = new(Convert.FromHexString("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
        Assert.Equal("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f", Convert.ToHexStringLower(bob.PublicKey));
        using X25519Key alice = new("a secret key of thirty-two bytes"u8);
        byte[] first = new byte[32], second = new byte[32];
        Assert.True(alice.TryAgree(bob.PublicKey, first));
        Assert.True(bob.TryAgree(alice.PublicKey, second));
        Assert.Equal(first, second);
    }

    /// <summary>
    /// Among them private keys of zeros and of ones, public keys on the curve and on its twist, above the prime and with the highest bit set,
    /// and all points of low order (F5).
    /// </summary>
    [Fact]
    public void F14_every_vector_holds_and_low_order_is_refused()
    {
        Assert.Equal(10, Vectors.Count(vector => vector.Shared == new string('0', 64)));
        Assert.True(Vectors.Length > 80);
        foreach (Vector vector in Vectors)
            Assert.Equal(vector.Shared == new string('0', 64) ? null : vector.Shared, Agree(vector.Private, vector.Public));
    }

    [Fact]
    public void MisuseIsSaidSo()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new X25519Key(new byte[31]));
        X25519Key key = new(new byte[32]);
        Assert.Throws<ArgumentOutOfRangeException>(() => key.TryAgree(new byte[33], new byte[32]));
        key.Dispose();
        Assert.Throws<ObjectDisposedException>(() => key.TryAgree(new byte[32], new byte[32]));
    }

    /// <summary>The shared secret, or null if the public key was refused.</summary>
    private static string? Agree(string secret, string point)
    {
        using X25519Key key = new(Convert.FromHexString(secret));
        byte[] result = new byte[32];
        Array.Fill(result, (byte)0xAA);
        bool isAgreed = key.TryAgree(Convert.FromHexString(point), result);
        if (!isAgreed) Assert.Equal(new byte[32], result);
        return isAgreed ? Convert.ToHexStringLower(result) : null;
    }

    private sealed record Vector(string Private, string Public, string Shared);
}
