using Ginnel.Wire;

namespace Ginnel.Interop.Differential;

/// <content>What is told of what has come.</content>
internal static partial class KnownDifferences
{
    private static KnownDifference[] Acknowledging() =>
    [
        new("segment-that-ends-at-next", """
            The kernel takes a segment that ends exactly where the next octet is expected for one in the window, and its timestamp and
            acknowledgment with it; by RFC 9293 section 3.10.7.4 it is not acceptable. Seen in the echo.
            """,
            pair => pair.Ours.Built is { EndsAtNext: true } || pair.Built(each => each.EndsAtNext), each => each with { Echo = 0 }),

        new("echo-of-an-old-acknowledgment", """
            Data with an acknowledgment that is late, but believed, do not change what the kernel echoes; by RFC 7323 section 4.3 they do.
            """,
            pair => pair.Had(step => step.Ack == AckField.Old), each => each with { Echo = 0 }),

        new("acknowledgment-that-ends-at-next", """
            The same, where that segment acknowledged something: what the kernel may send because of it is sent here with the next one (RFC
            9293 section 3.10.7.4, first step).
            """, Rest.Received,
            pair => pair.DiffersInSending && (pair.Ours.Built is { EndsAtNext: true, Acknowledges: true }
                || pair.Built(each => each is { EndsAtNext: true, Acknowledges: true }))),

        new("duplicate-within-a-join", """
            Where a segment joins two stretches beyond a hole, the kernel may not report the octets of it that it had; ours does (RFC 2883
            section 4).
            """, Rest.Everything,
            pair => pair.SameBut(each => each with { Sack = "" })
                && pair.Kernel.Segments.Zip(pair.Ours.Segments).All(both => IsSameBehindDuplicate(both.First, both.Second))),

        new("fin-in-sack", """
            The kernel's SACK blocks cover a FIN that came out of order. RFC 2018 is about data; the FIN is remembered all the same.
            """,
            pair => pair.Had(step => step.IsFin()) && (pair.Kernel.Segments.Count != pair.Ours.Segments.Count || IsSackWithoutFin(pair)),
            each => each with { Sack = "" }),

        new("fin-in-sack-takes-room", """
            The same: the block takes room from data that are sent beside it (RFC 6691 section 2).
            """, Rest.Received,
            pair => pair.SameResults && pair.Had(step => step.IsFin()) && pair.Kernel.Segments.Count > 0 && pair.Ours.Segments.Count > 0
                && StepPair.Blocks(pair.Kernel.Segments[0]).Count > StepPair.Blocks(pair.Ours.Segments[0]).Count
                && pair.Kernel.Segments[0].Length < pair.Ours.Segments[0].Length
                && pair.Kernel.Segments[0].Sequence == pair.Ours.Segments[0].Sequence),

        new("fin-leaves-sack", """
            In FIN-WAIT-1 and later the kernel acknowledges a FIN before it has forgotten what lay in front of it: the blocks are covered
            by the acknowledgment beside them. RFC 2018 section 4 reports what lies beyond it.
            """,
            pair => pair.Had(step => step.IsFin()) && pair.Did(StepKind.Shutdown, StepKind.Close),
            StepPair.WithoutCovered),

        new("fin-forgets-duplicate", """
            A FIN in order makes the kernel forget the duplicate that came with it; ours reports it (RFC 2883 section 4).
            """,
            pair => pair.Had(step => step.IsFin()) && pair.Kernel.Segments.All(each => each.Sack.Length == 0),
            each => each with { Sack = "" }),

        new("fin-acknowledged-first", """
            In FIN-WAIT-1 the kernel acknowledges a FIN by a segment of its own, before the data that go at the same time and would do (RFC
            9293 section 3.8.6.3 has one acknowledgment for them).
            """, Rest.Everything,
            pair => pair.SameResults && pair.Had(step => step.IsFin()) && pair.Ours.Segments.Count > 0
                && pair.Kernel.Segments.Count == pair.Ours.Segments.Count + 1 && pair.Kernel.Segments[0].IsBareAck
                && pair.Kernel.Segments[0].Acknowledgment == pair.Ours.Segments[0].Acknowledgment
                && pair.Kernel.Segments.Skip(1).SequenceEqual(pair.Ours.Segments)),

        new("no-acknowledgment-at-all", """
            The kernel drops whatever has neither ACK nor RST nor SYN before it looks at its number. RFC 9293 section 3.10.7.4 looks at the
            number first: what lies outside of the window is acknowledged.
            """, Rest.Everything,
            pair => pair.SameResults && pair.Peer(step => step.Flags == TcpFlags.None && step.Ack == AckField.Absent)
                && pair.Sent(null, each => each.IsBareAck)),

        new("challenge-limit", """
            How often challenges are sent is the implementation's affair (RFC 5961 section 7). Ours counts half a second from the last one
            of the connection, whatever it was about; the kernel begins anew when a half-open connection is completed, and does not count
            them all.
            """, Rest.Everything,
            pair => pair.SameResults && pair.Peer(step => step.IsChallenged()) && pair.WasChallenged && pair.MayBeLimited
                && (pair.Sent(each => each.IsBareAck, null) || pair.Sent(null, each => each.IsBareAck))),
    ];
}
