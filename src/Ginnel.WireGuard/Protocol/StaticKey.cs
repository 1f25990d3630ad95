using Ginnel.Crypto;

namespace Ginnel.WireGuard.Protocol;

/// <summary>Our static key and what follows from it.</summary>
internal sealed class StaticKey : IDisposable
{
    public StaticKey(ReadOnlySpan<byte> privateKey)
    {
        Key = new X25519Key(privateKey);
        Mac1Key = Labels.Mac1Key(Key.PublicKey);
        CookieKey = Labels.CookieKey(Key.PublicKey);
    }

    public X25519Key Key { get; }

    public ReadOnlySpan<byte> PublicKey => Key.PublicKey;

    /// <summary>With this others prove that they know whom they speak to.</summary>
    public byte[] Mac1Key { get; }

    /// <summary>With this our cookie replies are sealed.</summary>
    public byte[] CookieKey { get; }

    public void Dispose() => Key.Dispose();
}

/// <summary>Keys that follow from a public key (paper, sections 5.4.4 and 5.4.7): no secrets, but unknown to who does not know whom he speaks to.</summary>
internal static class Labels
{
    public static byte[] Mac1Key(ReadOnlySpan<byte> publicKey) => Hash("mac1----"u8, publicKey);

    public static byte[] CookieKey(ReadOnlySpan<byte> publicKey) => Hash("cookie--"u8, publicKey);

    private static byte[] Hash(ReadOnlySpan<byte> label, ReadOnlySpan<byte> publicKey)
    {
        byte[] key = new byte[Blake2s.HashSize];
        Blake2s.Hash(label, publicKey, key);
        return key;
    }
}
