using System.Text.Json;

namespace Ginnel.Crypto.Tests;

/// <summary>BLAKE2s: RFC 7693's vector, and hashes, MACs and HMACs that another implementation has computed.</summary>
public sealed class Blake2sTests
{
    /// <summary>RFC 7693, appendix B.</summary>
    [Fact]
    public void TheRfcsVectorHolds()
    {
        byte[] hash = new byte[32];
        Blake2s.Hash("a"u8, "bc"u8, hash);
        Assert.Equal("508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982", Convert.ToHexStringLower(hash));
    }

    [Fact]
    public void EveryVectorHolds()
    {
        Vector[] vectors = JsonSerializer.Deserialize<Vector[]>(
            File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "vectors", "blake2s.json")), JsonSerializerOptions.Web)!;
        Assert.True(vectors.Length >= 24);
        byte[] output = new byte[32];
        foreach (Vector vector in vectors)
        {
            byte[] key = Convert.FromHexString(vector.Key), data = Convert.FromHexString(vector.Data);
            Blake2s.Hash(data.AsSpan(0, data.Length / 2), data.AsSpan(data.Length / 2), output);
            Assert.Equal(vector.Hash, Convert.ToHexStringLower(output));
            Blake2s.Hmac(key, data.AsSpan(0, data.Length / 3), data.AsSpan(data.Length / 3), output);
            Assert.Equal(vector.Hmac, Convert.ToHexStringLower(output));
            Blake2s.Mac(key, data, output.AsSpan(0, 16));
            Assert.Equal(vector.Mac, Convert.ToHexStringLower(output.AsSpan(0, 16)));
        }
    }

    [Fact]
    public void InputAndOutputMayBeTheSame()
    {
        byte[] once = new byte[32], again = new byte[32];
        Blake2s.Hash(once, default, again);
        Blake2s.Hash(once, default, once);
        Assert.Equal(again, once);
    }

    [Fact]
    public async Task EveryThreadHasItsOwnContexts()
    {
        byte[] expected = new byte[16];
        Blake2s.Mac(new byte[32], "data"u8, expected);
        await Parallel.ForAsync(0, 1_000, TestContext.Current.CancellationToken, (_, _) =>
        {
            byte[] mac = new byte[16];
            Blake2s.Mac(new byte[32], "data"u8, mac);
            Assert.Equal(expected, mac);
            return default;
        });
    }

    private sealed record Vector(string Key, string Data, string Mac, string Hmac, string Hash);
}
