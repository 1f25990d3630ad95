using System.Security.Cryptography;
using Ginnel.Crypto;
using Ginnel.Netstack;

namespace Ginnel.WireGuard.Protocol;

/// <summary>
/// The responder's defence (paper, section 5.3). Mac1 is checked before anything else and keeps us silent to strangers; under load a
/// sender must also show, by mac2, that it receives at the address it claims.
/// </summary>
internal sealed class CookieChecker(StaticKey ourKey, EntropySource entropy) : IDisposable
{
    private readonly byte[] _secret = Secret.Allocate(Messages.KeySize);
    private Instant _secretBorn;
    private bool _hasSecret;

    /// <summary>Whether the sender knows whom it speaks to.</summary>
    public bool IsMac1Valid(ReadOnlySpan<byte> message)
    {
        int offset = Messages.Mac1Offset(message.Length);
        Span<byte> expected = stackalloc byte[Messages.MacSize];
        Blake2s.Mac(ourKey.Mac1Key, message[..offset], expected);
        return CryptographicOperations.FixedTimeEquals(expected, message.Slice(offset, Messages.MacSize));
    }

    /// <summary>Whether the sender has a cookie that was sent to this endpoint not long ago.</summary>
    public bool IsMac2Valid(ReadOnlySpan<byte> message, CarrierEndpoint from, Instant now)
    {
        if (!_hasSecret || now - _secretBorn >= Timing.CookieLifetime) return false;
        Span<byte> cookie = stackalloc byte[Messages.MacSize], expected = stackalloc byte[Messages.MacSize];
        WriteCookie(from, cookie);
        int offset = Messages.Mac1Offset(message.Length) + Messages.MacSize;
        Blake2s.Mac(cookie, message[..offset], expected);
        return CryptographicOperations.FixedTimeEquals(expected, message[offset..]);
    }

    /// <summary>The answer to a handshake message under load: a cookie, which only who sent the message can open.</summary>
    public byte[] CreateReply(ReadOnlySpan<byte> message, uint receiver, CarrierEndpoint from, Instant now)
    {
        if (!_hasSecret || now - _secretBorn >= Timing.CookieLifetime)
        {
            entropy.Fill(_secret);
            (_secretBorn, _hasSecret) = (now, true);
        }
        Span<byte> cookie = stackalloc byte[Messages.MacSize];
        WriteCookie(from, cookie);
        byte[] reply = new byte[Messages.CookieReplySize];
        Messages.Begin(reply, MessageType.CookieReply);
        Messages.WriteIndex(reply, Messages.CookieReceiver, receiver);
        Span<byte> nonce = reply.AsSpan(Messages.CookieNonce, XChaCha.NonceSize);
        entropy.Fill(nonce);
        ReadOnlySpan<byte> mac1 = message.Slice(Messages.Mac1Offset(message.Length), Messages.MacSize);
        XChaCha.Seal(ourKey.CookieKey, nonce, cookie, mac1, reply.AsSpan(Messages.CookieSealed));
        return reply;
    }

    /// <summary>Wipes the secret.</summary>
    public void Dispose() => CryptographicOperations.ZeroMemory(_secret);

    private void WriteCookie(CarrierEndpoint from, Span<byte> cookie)
    {
        Span<byte> bytes = stackalloc byte[CarrierEndpoint.MaxBytes];
        Blake2s.Mac(_secret, bytes[..from.WriteBytes(bytes)], cookie);
    }
}

/// <summary>The initiator's side of it: the macs of what we send to one peer, and the cookie that it has given us.</summary>
internal sealed class CookieJar(ReadOnlySpan<byte> peerPublicKey) : IDisposable
{
    private readonly byte[] _mac1Key = Labels.Mac1Key(peerPublicKey);
    private readonly byte[] _cookieKey = Labels.CookieKey(peerPublicKey);
    private readonly byte[] _lastMac1 = new byte[Messages.MacSize];
    private readonly byte[] _cookie = Secret.Allocate(Messages.MacSize);
    private Instant _cookieCame;
    private bool _hasSent;
    private bool _hasCookie;

    /// <summary>Writes both macs into a finished handshake message; the second stays zero without a fresh cookie.</summary>
    public void AddMacs(Span<byte> message, Instant now)
    {
        int offset = Messages.Mac1Offset(message.Length);
        Span<byte> mac1 = message.Slice(offset, Messages.MacSize);
        Blake2s.Mac(_mac1Key, message[..offset], mac1);
        mac1.CopyTo(_lastMac1);
        _hasSent = true;
        if (_hasCookie && now - _cookieCame < Timing.CookieLifetime)
            Blake2s.Mac(_cookie, message[..(offset + Messages.MacSize)], message[(offset + Messages.MacSize)..]);
    }

    /// <summary>Takes a cookie reply; false unless it answers what we sent last.</summary>
    public bool TryTake(ReadOnlySpan<byte> reply, Instant now)
    {
        if (!_hasSent) return false;
        Span<byte> cookie = stackalloc byte[Messages.MacSize];
        ReadOnlySpan<byte> nonce = reply.Slice(Messages.CookieNonce, XChaCha.NonceSize);
        if (!XChaCha.TryOpen(_cookieKey, nonce, reply[Messages.CookieSealed..], _lastMac1, cookie)) return false;
        cookie.CopyTo(_cookie);
        (_cookieCame, _hasCookie, _hasSent) = (now, true, false);
        return true;
    }

    /// <summary>Wipes the cookie.</summary>
    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_cookie);
        _hasCookie = false;
    }
}
