using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// Initial sequence numbers and timestamp offsets (RFC 6528, RFC 7323 section 7.1). Theory of operation: a clock of 4 µs plus a keyed
/// hash of the four-tuple. For one four-tuple the numbers rise with time, so that an old incarnation's segments do not fit the new
/// one; between four-tuples they have nothing in common, so that who sees his own learns nothing of others' (attack case C7).
/// </summary>
internal sealed class IsnGenerator(KeyedHash hash)
{
    private const byte Purpose = 1;

    /// <summary>The initial sequence number and the timestamp offset of a connection that begins now.</summary>
    internal (SequenceNumber Iss, uint TimestampOffset) Next(in FlowKey flow, Instant now)
    {
        (uint number, uint offset) = Of(flow);
        uint clock = (uint)(now.Ticks / (4 * TimeSpan.TicksPerMicrosecond));
        return (new SequenceNumber(number + clock), offset);
    }

    /// <summary>What is the same for a four-tuple at any time.</summary>
    internal (uint Number, uint TimestampOffset) Of(in FlowKey flow)
    {
        ulong both = hash.Of(flow, Purpose);
        return ((uint)both, (uint)(both >> 32));
    }
}
