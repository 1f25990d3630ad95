using System.Buffers.Binary;

namespace Ginnel;

/// <summary>DNS messages on a stream: two bytes of length before each (RFC 1035 section 4.2.2).</summary>
internal static class DnsFraming
{
    /// <summary>Writes one message, length and content in one piece (RFC 7766 section 8).</summary>
    public static async ValueTask WriteAsync(DuplexStream stream, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        byte[] framed = new byte[2 + message.Length];
        BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)message.Length);
        message.CopyTo(framed.AsMemory(2));
        await stream.WriteAsync(framed, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Reads one message.</summary>
    /// <returns>Its length; 0 at the end of the stream, -1 for a message that is longer than the buffer.</returns>
    public static async ValueTask<int> ReadAsync(DuplexStream stream, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        byte[] prefix = new byte[2];
        if (await stream.ReadAtLeastAsync(prefix, 2, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false) < 2) return 0;
        int length = BinaryPrimitives.ReadUInt16BigEndian(prefix);
        if (length > buffer.Length) return -1;
        int count = await stream.ReadAtLeastAsync(buffer[..length], length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        return count < length ? 0 : length;
    }
}
