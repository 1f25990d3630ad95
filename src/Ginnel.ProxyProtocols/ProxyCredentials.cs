using System.Security.Cryptography;
using System.Text;

namespace Ginnel.ProxyProtocols;

/// <summary>User and password of a proxy's clients. Kept as digests only, so that neither a dump of options nor a log shows them.</summary>
public sealed class ProxyCredentials
{
    /// <summary>Longest user or password in bytes of UTF-8 (RFC 1929 section 2).</summary>
    public const int MaxLength = 255;

    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);
    private readonly byte[] _user;
    private readonly byte[] _password;

    /// <summary>Credentials; user and password of 1–255 bytes of UTF-8, the user without a colon (RFC 7617 section 2).</summary>
    /// <exception cref="ArgumentException">Either is empty, too long, or the user has a colon.</exception>
    public ProxyCredentials(string user, string password)
    {
        ArgumentNullException.ThrowIfNull(user);
        ArgumentNullException.ThrowIfNull(password);
        if (user.Contains(':', StringComparison.Ordinal)) throw new ArgumentException("A user may not contain a colon: HTTP's Basic scheme ends it there.", nameof(user));
        _user = Digest(Checked(user, nameof(user)));
        _password = Digest(Checked(password, nameof(password)));
    }

    /// <summary>Whether these are they. Takes the same time whatever differs, and wherever.</summary>
    public bool Match(ReadOnlySpan<byte> user, ReadOnlySpan<byte> password) =>
        CryptographicOperations.FixedTimeEquals(Digest(user), _user) & CryptographicOperations.FixedTimeEquals(Digest(password), _password);

    /// <summary>Says nothing.</summary>
    public override string ToString() => "(credentials)";

    // Digests under a key of this process have one length, so that comparing tells nothing of the lengths either.
    private byte[] Digest(ReadOnlySpan<byte> text) => HMACSHA256.HashData(_key, text);

    private static byte[] Checked(string text, string name)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        return bytes.Length is 0 or > MaxLength ? throw new ArgumentException($"It must have 1 to {MaxLength} bytes, and has {bytes.Length}.", name) : bytes;
    }
}
