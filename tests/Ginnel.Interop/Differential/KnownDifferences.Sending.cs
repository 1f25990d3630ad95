using Ginnel.Wire;

namespace Ginnel.Interop.Differential;

/// <content>What is sent, and when: behind it the two are compared by what they have received.</content>
internal static partial class KnownDifferences
{
    private static KnownDifference[] Sending() =>
    [
        new("window-after-a-repeated-syn", """
            A SYN that comes again says that its SYN-ACK was lost: then the first window is one segment (RFC 5681 section 3.1). The kernel
            waits for two such signs.
            """, Rest.Received,
            pair => pair.Exchange.Steps.Take(pair.Index).Count(step => step.Kind == StepKind.Segment && step.IsOpening()) > 1
                && pair.Ours.Segments.Count(each => each.Length > 0) <= 1 && IsPrefix(pair)),

        new("old-acknowledgment-with-data", """
            An acknowledgment older than the largest window cannot be the peer's (RFC 5961 section 5.2), so ours drops what comes with it.
            The kernel does that only off its fast path.
            """, Rest.Nothing,
            pair => pair.SameResults && pair.Peer(step => step is { Ack: AckField.Old, AckDetail: >= 100_000 })
                && pair.Ours.Built is { } built && built.Left == built.Next
                && pair.Kernel.Segments is [{ IsBareAck: true } taken] && taken.Acknowledgment == built.Right
                && pair.Ours.Segments.All(each => each.IsBareAck && each.Acknowledgment == built.Next)),

        new("syn-again-after-reset", """
            A wrong acknowledgment in SYN-SENT makes the kernel repeat its SYN at once; ours waits for its timer (RFC 9293 section 3.10.7.3
            says nothing of it).
            """, Rest.Nothing,
            pair => pair.Step.Kind == StepKind.Wait && pair.Sent(each => each.Flags == TcpFlags.Syn, null)
                && pair.HadBefore(step => !step.IsSyn())),

        new("report-repeated", """
            A duplicate is reported in one acknowledgment (RFC 2883 section 4): ours has it in the first segment of several, the kernel in
            all that leave at once.
            """, Rest.Received,
            pair => pair.DiffersInSending && pair.Kernel.Segments.Count > 1 && pair.Ours.Segments.Count > 1
                && pair.Kernel.Segments[0] == pair.Ours.Segments[0]
                && pair.Kernel.Segments.All(each => each.Sack == pair.Ours.Segments[0].Sack) && pair.Ours.Segments[0].Sack.Length > 0
                && StepPair.Blocks(pair.Ours.Segments[1]).Count < StepPair.Blocks(pair.Ours.Segments[0]).Count),

        new("window-in-octets", """
            The kernel's congestion window counts segments, ours octets (RFC 5681 section 2): of segments that are not full more or fewer
            fit, also into the window of one after a timeout. And when two thirds of it are used the kernel may wait for room for more of
            them at once. Everything else about them is the same.
            """, Rest.Received,
            pair => IsPrefix(pair) && (pair.HasWaited
                || pair.KernelTrace.Take(pair.Index + 1).Sum(seen => seen.Segments.Count(each => each.Length > 0)) >= 7)),

        new("small-window", """
            How octets are cut for a window of few segments is the sender's affair, as long as it sends no silly ones (RFC 9293 section
            3.8.6.2.1). Ours waits for a full segment or half of the largest window; the kernel halves its segments and sends what is left.
            """, Rest.Received,
            pair => IsNewData(pair) && !pair.Had(step => !step.IsSyn() && step.Window > 10_000)),

        new("cut-anew", """
            What is sent again may be cut anew and carry octets that were not sent before (RFC 9293 section 3.8.1), and how much goes again
            at once is the recovery's affair (RFC 9937, RFC 6675); it begins at the same octet.
            """, Rest.Received,
            pair => pair.DiffersInSending
                && pair.Kernel.Segments is [{ Length: > 0 } left, ..] && pair.Ours.Segments is [{ Length: > 0 } right, ..]
                && left.Sequence == right.Sequence && left.Sequence < pair.KernelSeen),

        new("tail-probed", """
            While it waited for its timer ours has probed the tail with octets that were not sent before (RFC 8985 section 7.3), which the
            kernel, set up without such probes, has not sent yet.
            """, Rest.Received,
            pair => pair.SameResults && pair.HasWaited && pair.Kernel.Segments.Count > 0 && pair.Ours.Segments.Count > 0
                && pair.Kernel.Segments[0].Sequence < pair.Ours.Segments[0].Sequence && pair.Kernel.Segments[0].Sequence >= pair.KernelSeen
                && pair.Kernel.Segments.Concat(pair.Ours.Segments).All(each => !each.Has(TcpFlags.Rst))
                && pair.Kernel.Segments[0].Acknowledgment == pair.Ours.Segments[0].Acknowledgment),

        new("duplicates-without-sack", """
            Without SACK the kernel bends the number of duplicates that begin a recovery to how many segments are in flight: with one or
            two of them it takes fewer, with a single one it may never begin. RFC 5681 section 3.2 wants three, and ours obeys.
            """, Rest.Received,
            pair => pair.DiffersInSending && !pair.Exchange.Options.Contains((byte)4)
                && pair.Peer(step => step is { Count: 0, Ack: AckField.Again or AckField.All })
                && (pair.Kernel.Segments.Count == 0 || pair.Ours.Segments.Count == 0)
                && pair.Kernel.Segments.Concat(pair.Ours.Segments).All(each => each.Sequence < pair.KernelSeen)),
    ];
}
