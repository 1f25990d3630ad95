using System.Security.Cryptography;

namespace Ginnel;

/// <summary>Which end of a virtual interface a stream belongs to.</summary>
public enum VirtualInterfaceRole : byte
{
    /// <summary>The end that dials.</summary>
    Entrance,
    /// <summary>The end that exposes.</summary>
    Exit,
}

/// <summary>
/// A secret that both ends of a stream know. Before any packet each proves to the other that it does, without saying it: HMAC-SHA256 (RFC 2104)
/// over both ends' fresh nonces and the prover's role. It authenticates the ends when they meet; it neither encrypts nor protects what follows.
/// </summary>
public sealed class SharedSecret
{
    /// <summary>Least bytes of a secret.</summary>
    public const int MinLength = 16;

    /// <summary>Most bytes of a secret.</summary>
    public const int MaxLength = 4096;

    private const int NonceLength = 32, ProofLength = 32;
    private static readonly byte[] Greeting = "GINNEL1\n"u8.ToArray();
    private readonly byte[] _key;

    /// <summary>Takes a copy of the secret's bytes.</summary>
    /// <exception cref="ArgumentException">Shorter than <see cref="MinLength"/> or longer than <see cref="MaxLength"/>.</exception>
    public SharedSecret(ReadOnlySpan<byte> secret)
    {
        if (secret.Length is < MinLength or > MaxLength) throw new ArgumentException($"A secret has {MinLength} to {MaxLength} bytes, not {secret.Length}.", nameof(secret));
        _key = secret.ToArray();
    }

    /// <summary>
    /// Proves and demands proof. The entrance proves first, so that a stranger who merely connects learns nothing that depends on the secret.
    /// </summary>
    /// <param name="stream">The stream, on which nothing was said yet.</param>
    /// <param name="role">Which end we are.</param>
    /// <param name="cancellationToken">Gives up; callers bound the time.</param>
    /// <exception cref="IOException">The peer does not know the secret, or speaks another protocol.</exception>
    public async ValueTask AuthenticateAsync(Stream stream, VirtualInterfaceRole role, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        byte[] ours = RandomNumberGenerator.GetBytes(NonceLength);
        await stream.WriteAsync((byte[])[.. Greeting, .. ours], cancellationToken).ConfigureAwait(false);
        await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
        byte[] hello = await ReadAsync(stream, Greeting.Length + NonceLength, cancellationToken).ConfigureAwait(false);
        if (!hello.AsSpan(0, Greeting.Length).SequenceEqual(Greeting)) throw new IOException("The peer does not begin with a proof of the secret; does it have the same --secret-file?");
        byte[] theirs = hello[Greeting.Length..];
        // A peer that merely repeats what we say must not pass.
        if (CryptographicOperations.FixedTimeEquals(ours, theirs)) throw new IOException("The peer repeats what we say.");
        if (role == VirtualInterfaceRole.Entrance) await ProveAsync(stream, role, ours, theirs, cancellationToken).ConfigureAwait(false);
        byte[] proof = await ReadAsync(stream, ProofLength, cancellationToken).ConfigureAwait(false);
        VirtualInterfaceRole other = role == VirtualInterfaceRole.Entrance ? VirtualInterfaceRole.Exit : VirtualInterfaceRole.Entrance;
        if (!CryptographicOperations.FixedTimeEquals(proof, Proof(other, theirs, ours))) throw new IOException("The peer does not know the secret.");
        if (role == VirtualInterfaceRole.Exit) await ProveAsync(stream, role, ours, theirs, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask ProveAsync(Stream stream, VirtualInterfaceRole role, byte[] ours, byte[] theirs, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(Proof(role, ours, theirs), cancellationToken).ConfigureAwait(false);
        await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    private byte[] Proof(VirtualInterfaceRole prover, byte[] proverNonce, byte[] verifierNonce) =>
        HMACSHA256.HashData(_key, (byte[])[.. Greeting, (byte)prover, .. proverNonce, .. verifierNonce]);

    private static async ValueTask<byte[]> ReadAsync(Stream stream, int count, CancellationToken cancellationToken)
    {
        byte[] bytes = new byte[count];
        int read = await stream.ReadAtLeastAsync(bytes, count, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        return read == count ? bytes : throw new IOException("The peer closed the connection before it proved that it knows the secret.");
    }
}
