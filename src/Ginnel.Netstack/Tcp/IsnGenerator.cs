using System.Buffers.Binary;
using System.Security.Cryptography;
using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// Initial sequence numbers and timestamp offsets (RFC 6528, RFC 7323 section 7.1). Theory of operation: a clock of 4 µs plus a keyed
/// hash of the four-tuple. For one four-tuple the numbers rise with time, so that an old incarnation's segments do not fit the new
/// one; between four-tuples they have nothing in common, so that who sees his own learns nothing of others' (attack case C7).
/// </summary>
internal sealed class IsnGenerator(EntropySource entropy)
{
    private byte[]? _key;

    /// <summary>The initial sequence number and the timestamp offset of a connection that begins now.</summary>
    internal (SequenceNumber Iss, uint TimestampOffset) Next(in FlowKey flow, Instant now)
    {
        if (_key is null)
        {
            _key = new byte[32];
            entropy.Fill(_key);
        }
        Span<byte> tuple = stackalloc byte[36];
        WriteEndpoint(tuple, flow.Local);
        WriteEndpoint(tuple[18..], flow.Remote);
        Span<byte> hash = stackalloc byte[32];
        HMACSHA256.HashData(_key, tuple, hash);
        uint clock = (uint)(now.Ticks / (4 * TimeSpan.TicksPerMicrosecond));
        var iss = new SequenceNumber(BinaryPrimitives.ReadUInt32LittleEndian(hash) + clock);
        return (iss, BinaryPrimitives.ReadUInt32LittleEndian(hash[4..]));
    }

    private static void WriteEndpoint(Span<byte> destination, IpEndpoint endpoint)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, endpoint.Address.High);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], endpoint.Address.Low);
        BinaryPrimitives.WriteUInt16BigEndian(destination[16..], endpoint.Port);
    }
}
