using Ginnel.Crypto;
using Ginnel.Crypto.Tests;
using Ginnel.WireGuard.Protocol;

namespace Ginnel.WireGuard.Tests;

/// <summary>F12 in our own memory. Alone in the process: a thread that is stopped elsewhere leaves the registers of who copied a key on its stack.</summary>
[Collection(OwnMemory.Alone)]
public sealed class ForgettingTests : IAsyncDisposable
{
    private readonly TestInternet _internet = new();
    private readonly TunnelEnd _a;
    private readonly TunnelEnd _b;

    public ForgettingTests()
    {
        _a = new TunnelEnd(_internet, "192.0.2.1:51820", "10.0.0.1", 1);
        _b = new TunnelEnd(_internet, "192.0.2.2:51820", "10.0.0.2", 2);
    }

    public async ValueTask DisposeAsync()
    {
        await _a.DisposeAsync();
        await _b.DisposeAsync();
    }

    [Fact]
    public void F12_what_transport_keys_were_made_of_is_forgotten()
    {
        OwnMemory memory = new();
        memory.LeavesNothing(() =>
        {
            Span<byte> secret = stackalloc byte[32], chaining = stackalloc byte[32], root = stackalloc byte[32];
            byte[] maskedSecret = OwnMemory.Create(secret);
            // What the state does, once more by hand: HKDF over the construction's name, then over nothing.
            Blake2s.Hash("Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"u8, default, chaining);
            Blake2s.Hmac(chaining, secret, default, root);
            Blake2s.Hmac(root, [1], default, chaining);
            byte[] maskedChaining = OwnMemory.Mask(chaining);
            Blake2s.Hmac(chaining, default, default, root);
            byte[] maskedRoot = OwnMemory.Mask(root);
            NoiseState state = NoiseState.For(_b.PublicKey);
            state.MixKey(secret);
            state.Split(chaining, root);
            secret.Clear();
            chaining.Clear();
            root.Clear();
            state.Clear();
            return [maskedSecret, maskedChaining, maskedRoot];
        });
    }

    [Fact]
    public void F12_of_a_peer_that_is_removed_no_secret_is_left_in_memory()
    {
        OwnMemory memory = new();
        memory.LeavesNothing(() =>
        {
            Span<byte> preshared = stackalloc byte[32], agreed = stackalloc byte[32];
            byte[] maskedPreshared = OwnMemory.Create(preshared);
            using (X25519Key key = new(_a.PrivateKey)) Assert.True(key.TryAgree(_b.PublicKey, agreed));
            byte[] maskedAgreed = OwnMemory.Mask(agreed);
            agreed.Clear();
            // Where the caller's copy is, the caller knows.
            byte[] given = GC.AllocateArray<byte>(32, pinned: true);
            preshared.CopyTo(given);
            _a.Know(_b, presharedKey: given);
            _b.Know(_a, knowsWhere: false, presharedKey: given);
            given.AsSpan().Clear();
            preshared.Clear();
            _a.Send(_b.Inside, "hello");
            _internet.Pump();
            Assert.Equal(["hello"], _b.TakeTexts());
            GC.Collect();
            Assert.True(memory.Holds(maskedPreshared));
            Assert.True(memory.Holds(maskedAgreed));
            _a.Link.RemovePeer(_b.PublicKey);
            _b.Link.RemovePeer(_a.PublicKey);
            return [maskedPreshared, maskedAgreed];
        });
    }
}
