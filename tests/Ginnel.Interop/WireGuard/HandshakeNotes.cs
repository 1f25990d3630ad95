using System.Globalization;

namespace Ginnel.Interop.WireGuard;

/// <summary>What passes a carrier of handshakes: the paper's messages of type 1 (148 bytes) and cookie replies, type 3 (64 bytes).</summary>
internal sealed class HandshakeNotes
{
    private const int InitiationSize = 148, CookieReplySize = 64, Mac2 = 132;
    private int _cookies;
    private int _sentWithCookie;
    private int _receivedWithCookie;

    /// <summary>The last initiation that was sent, and where to; null if there was none.</summary>
    public (CarrierEndpoint To, byte[] Message)? Sent { get; private set; }

    /// <summary>The last initiation that came; null if none did.</summary>
    public byte[]? Received { get; private set; }

    /// <summary>How many cookies have come.</summary>
    public int Cookies => Volatile.Read(ref _cookies);

    public void NoteSent(CarrierEndpoint to, ReadOnlySpan<byte> datagram)
    {
        if (!IsInitiation(datagram)) return;
        Sent = (to, datagram.ToArray());
        if (HasCookie(datagram)) Interlocked.Increment(ref _sentWithCookie);
    }

    public void NoteReceived(ReadOnlySpan<byte> datagram)
    {
        if (datagram.Length == CookieReplySize && datagram[0] == 3) Interlocked.Increment(ref _cookies);
        if (!IsInitiation(datagram)) return;
        Received = datagram.ToArray();
        if (HasCookie(datagram)) Interlocked.Increment(ref _receivedWithCookie);
    }

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"Cookies = {_cookies}, SentWithCookie = {_sentWithCookie}, ReceivedWithCookie = {_receivedWithCookie}");

    /// <summary>Who has no cookie leaves the second mac zero.</summary>
    private static bool HasCookie(ReadOnlySpan<byte> initiation) => initiation[Mac2..].ContainsAnyExcept((byte)0);

    private static bool IsInitiation(ReadOnlySpan<byte> datagram) => datagram.Length == InitiationSize && datagram[0] == 1;
}
