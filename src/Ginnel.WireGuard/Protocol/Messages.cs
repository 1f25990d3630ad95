using System.Buffers.Binary;

namespace Ginnel.WireGuard.Protocol;

/// <summary>What the first byte of a message says; three zero bytes follow it.</summary>
internal enum MessageType : byte
{
    Initiation = 1,
    Response = 2,
    CookieReply = 3,
    Transport = 4,
}

/// <summary>Where things stand in the four messages (paper, section 5.4). Numbers are little-endian.</summary>
internal static class Messages
{
    public const int KeySize = 32, MacSize = 16, TagSize = 16;

    // Initiation: type, sender, ephemeral, static + tag, timestamp + tag, mac1, mac2.
    public const int InitiationSize = 148;
    public const int InitiationSender = 4, InitiationEphemeral = 8, InitiationStatic = 40, InitiationTimestamp = 88;

    // Response: type, sender, receiver, ephemeral, nothing + tag, mac1, mac2.
    public const int ResponseSize = 92;
    public const int ResponseSender = 4, ResponseReceiver = 8, ResponseEphemeral = 12, ResponseNothing = 44;

    // Cookie reply: type, receiver, nonce, cookie + tag.
    public const int CookieReplySize = 64;
    public const int CookieReceiver = 4, CookieNonce = 8, CookieSealed = 32;

    // Transport: type, receiver, counter, packet + tag.
    public const int TransportHeader = 16;
    public const int TransportReceiver = 4, TransportCounter = 8;
    public const int TransportOverhead = TransportHeader + TagSize;

    /// <summary>A packet is padded to a multiple of this, as far as the MTU goes.</summary>
    public const int PaddingMultiple = 16;

    /// <summary>The type, if the first four bytes and the length are those of a message; else none (0).</summary>
    public static MessageType TypeOf(ReadOnlySpan<byte> message)
    {
        if (message.Length < 4) return 0;
        uint first = BinaryPrimitives.ReadUInt32LittleEndian(message);
        bool fits = first switch
        {
            (uint)MessageType.Initiation => message.Length == InitiationSize,
            (uint)MessageType.Response => message.Length == ResponseSize,
            (uint)MessageType.CookieReply => message.Length == CookieReplySize,
            (uint)MessageType.Transport => message.Length >= TransportOverhead,
            _ => false,
        };
        return fits ? (MessageType)first : 0;
    }

    public static uint ReadIndex(ReadOnlySpan<byte> message, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(message[offset..]);

    public static void Begin(Span<byte> message, MessageType type)
    {
        message.Clear();
        message[0] = (byte)type;
    }

    public static void WriteIndex(Span<byte> message, int offset, uint index) => BinaryPrimitives.WriteUInt32LittleEndian(message[offset..], index);

    /// <summary>Where mac1 stands in a handshake message: 32 bytes before its end, and mac2 after it.</summary>
    public static int Mac1Offset(int size) => size - 2 * MacSize;
}
