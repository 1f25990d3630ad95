using Ginnel.Wire;

namespace Ginnel.Interop.Differential;

/// <summary>The list of what differs from the kernel on purpose.</summary>
internal static class KnownDifferences
{
    private static readonly KnownDifference[] Opening =
    [
        new("crossed-syn-options", """
            Where both open at once, the kernel's SYN-ACK is its SYN again, with all that it offered. RFC 7323 sections 2.2 and 3.2 let a SYN-ACK have only
            what the SYN had.
            """, EndsComparison: false,
            pair => !pair.Exchange.Listens && pair.Peer(step => step.IsSyn()) && pair.Ours.Segments.Any(each => each.Has(TcpFlags.Syn | TcpFlags.Ack))
                && pair.SameBut(each => each.Has(TcpFlags.Syn) ? each with { HasScale = false, SackPermitted = false, HasStamp = false, Echo = 0 } : each)),

        new("crossed-syn-reported", """
            The SYN-ACK that completes a simultaneous open repeats the SYN's number; the kernel reports it as a duplicate. RFC 2883 is about data.
            """, EndsComparison: false,
            pair => !pair.Exchange.Listens && pair.Peer(step => step.IsSyn()) && pair.HadBefore(step => step.IsSyn()) && pair.SameBut(each => each with { Sack = "" })),

        new("data-on-syn-ack", """
            The kernel drops data on a SYN-ACK; the peer has to send them again. RFC 9293 section 3.10.7.3 lets them be processed, and ours takes them.
            """, EndsComparison: true,
            pair => !pair.Exchange.Listens && pair.Peer(step => step.IsSyn() && step.Count > 0) && pair.SameBut(each => each with { Acknowledgment = null })),

        new("half-open-number-first", """
            While a connection is half open the kernel looks at the acknowledgment before the number, and resets. RFC 9293 section 3.10.7.4 looks at the
            number first: what lies outside of the window is acknowledged.
            """, EndsComparison: false,
            pair => pair.IsHalfOpen && pair.SameResults && pair.Peer(step => step.Offset != 0 && step.Ack is not (AckField.All or AckField.Absent))
                && pair.Sent(each => each.Flags == TcpFlags.Rst, each => each.IsBareAck)),

        new("half-open-other-syn", """
            Another SYN while a connection is half open: the kernel resets it, by RFC 9293 section 3.10.7.4 it would be forgotten in silence; ours challenges,
            as it does on any living connection (RFC 5961 section 4.2), so that a stranger's SYN ends nothing. A client that has begun anew resets what is
            left by that.
            """, EndsComparison: true,
            pair => pair.IsHalfOpen && pair.SameResults && pair.Peer(step => step.IsSyn() && step.Offset != 0)
                && pair.Kernel.Segments.All(each => each.Has(TcpFlags.Rst)) && pair.Ours.Segments.All(each => each.IsBareAck)),

        new("half-open-duplicates", """
            While a connection is half open the kernel reports no duplicates (RFC 2883 lets a receiver).
            """,
            pair => pair.IsHalfOpen && pair.Peer(step => step.Offset < 0 && step.Count > 0),
            each => each with { Sack = "" }),

        new("half-open-echo", """
            While a connection is half open the kernel takes only echoes of its SYN-ACK, not those of an acknowledgment that it sent since: the segment is
            acknowledged and dropped. RFC 7323 has no such rule.
            """, EndsComparison: true,
            pair => pair.IsHalfOpen && !pair.Kernel.Results.Contains("accepted") && pair.Ours.Results.Contains("accepted")
                && pair.KernelTrace.Take(pair.Index).Any(seen => seen.Segments.Any(each => each.IsBareAck && each.HasStamp))),
    ];

    private static readonly KnownDifference[] Acknowledging =
    [
        new("segment-that-ends-at-next", """
            The kernel takes a segment that ends exactly where the next octet is expected for one in the window, and its timestamp and acknowledgment
            with it; by RFC 9293 section 3.10.7.4 it is not acceptable. Seen in the echo.
            """,
            pair => pair.Ours.Built is { EndsAtNext: true } || pair.Built(each => each.EndsAtNext), each => each with { Echo = 0 }),

        new("echo-of-an-old-acknowledgment", """
            Data with an acknowledgment that is late, but believed, do not change what the kernel echoes; by RFC 7323 section 4.3 they do.
            """,
            pair => pair.Had(step => step.Ack == AckField.Old), each => each with { Echo = 0 }),

        new("acknowledgment-that-ends-at-next", """
            The same, where that segment acknowledged something: what the kernel may send because of it is sent here with the next one (RFC 9293 section
            3.10.7.4, first step).
            """, EndsComparison: true,
            pair => pair.SameResults && (pair.Ours.Built is { EndsAtNext: true, Acknowledges: true } || pair.Built(each => each is { EndsAtNext: true, Acknowledges: true }))),

        new("duplicate-within-a-join", """
            Where a segment joins two stretches beyond a hole, the kernel may not report the octets of it that it had; ours does (RFC 2883 section 4).
            """, EndsComparison: false,
            pair => pair.SameBut(each => each with { Sack = "" }) && Enumerable.Range(0, pair.Kernel.Segments.Count).All(at => IsSameBehindDuplicate(pair.Kernel.Segments[at], pair.Ours.Segments[at]))),

        new("fin-in-sack", """
            The kernel's SACK blocks cover a FIN that came out of order. RFC 2018 is about data; the FIN is remembered all the same.
            """,
            pair => pair.Had(step => step.IsFin()) && (pair.Kernel.Segments.Count != pair.Ours.Segments.Count || IsSackWithoutFin(pair)),
            each => each with { Sack = "" }),

        new("fin-in-sack-takes-room", """
            The same: the block takes room from data that are sent beside it (RFC 6691 section 2).
            """, EndsComparison: true,
            pair => pair.SameResults && pair.Had(step => step.IsFin()) && pair.Kernel.Segments.Count > 0 && pair.Ours.Segments.Count > 0
                && StepPair.Blocks(pair.Kernel.Segments[0]).Count > StepPair.Blocks(pair.Ours.Segments[0]).Count
                && pair.Kernel.Segments[0].Length < pair.Ours.Segments[0].Length && pair.Kernel.Segments[0].Sequence == pair.Ours.Segments[0].Sequence),

        new("fin-forgets-duplicate", """
            A FIN in order makes the kernel forget the duplicate that came with it; ours reports it (RFC 2883 section 4).
            """,
            pair => pair.Had(step => step.IsFin()) && pair.Kernel.Segments.All(each => each.Sack.Length == 0),
            each => each with { Sack = "" }),

        new("challenge-limit", """
            How often challenges are sent is the implementation's affair (RFC 5961 section 7). Ours counts half a second from the last one of the
            connection, whatever it was about; the kernel begins anew when a half-open connection is completed, and does not count them all.
            """, EndsComparison: false,
            pair => pair.SameResults && pair.Peer(step => step.IsChallenged()) && pair.HadBefore(step => step.IsChallenged())
                && (pair.Sent(each => each.IsBareAck, null) || pair.Sent(null, each => each.IsBareAck))),
    ];

    private static readonly KnownDifference[] Ending =
    [
        new("options-of-a-reset", """
            Which options a reset has beside the timestamps that RFC 7323 section 3.2 asks for: the kernel's, if its application asked for it, has SACK
            blocks as well. Who gets it looks at its number alone (RFC 5961 section 3.2).
            """,
            pair => true,
            each => each.Has(TcpFlags.Rst) ? each with { HasStamp = false, Echo = 0, Sack = "" } : each),

        new("reset-of-the-closed", """
            Data for a connection that its application has closed: the kernel answers with a reset at the number that the segment acknowledges, ours with
            one at SND.NXT that acknowledges. RFC 9293 section 3.6.1 wants a reset and leaves its form open.
            """, EndsComparison: false,
            pair => pair.SameResults && pair.WasClosed && pair.Sent(each => each.Flags == TcpFlags.Rst, each => each.Flags == (TcpFlags.Rst | TcpFlags.Ack))),

        new("answer-to-data-behind-fin", """
            Data behind the FIN: ours ignores them in silence (RFC 9293 section 3.10.7.4, seventh step), the kernel acknowledges.
            """, EndsComparison: true,
            pair => pair.SameResults && pair.HadBefore(step => step.IsFin()) && pair.Peer(step => step.Count > 0) && pair.Ours.Built is { } built && built.Left >= built.Next
                && pair.Sent(each => each.IsBareAck, null)),

        new("reset-behind-sack", """
            Where octets are missing, the kernel believes a reset behind the last that it has reported as well (a guess at what its sender may know). RFC
            5961 section 3.2 believes the next number only.
            """, EndsComparison: true,
            pair => pair.Built(each => each.Flags.HasFlag(TcpFlags.Rst) && pair.OurTrace.Take(pair.Index).Any(seen => seen.Segments.Any(sent => StepPair.Blocks(sent).Any(block => block.Right == each.Left))))),

        new("abort-when-both-have-closed", """
            An ABORT when both ends have sent their FIN: RFC 9293 section 3.10.5 deletes the connection in silence, the kernel resets.
            """, EndsComparison: true,
            pair => pair.Step.Kind == StepKind.Abort && pair.HadBefore(step => step.IsFin()) && pair.SameResults && pair.Sent(each => each.Has(TcpFlags.Rst), null)),

        new("abort-in-time-wait", """
            An ABORT in TIME-WAIT: RFC 9293 section 3.10.5 deletes the connection, so that what comes later is for nobody; the kernel's TIME-WAIT stays.
            """, EndsComparison: true,
            pair => pair.SameResults && pair.HadBefore(step => step.IsFin()) && pair.Exchange.Steps.Take(pair.Index).Any(step => step.Kind == StepKind.Abort)
                && pair.Ours.Segments is [var only] && only.Has(TcpFlags.Rst) && pair.Kernel.Segments.All(each => each.IsBareAck)),

        new("write-after-end-and-reset", """
            Who writes when the peer has ended its stream and then reset the connection is told of a broken pipe by the kernel, and of the reset by ours (RFC
            9293 section 3.10.7.4, second step).
            """, EndsComparison: true,
            pair => pair.Step.Kind == StepKind.Write && pair.HadBefore(step => step.IsFin()) && pair.Kernel.Results is ["broken"] && pair.Ours.Results is ["reset"]),

        new("unread-beyond-a-hole", """
            Closing with octets beyond a hole that nobody will read: ours resets, since the peer's data are lost (RFC 9293 section 3.6.1); the kernel counts
            only what is in order.
            """, EndsComparison: true,
            pair => pair.Step.Kind == StepKind.Close && pair.SameResults && pair.HadHole && pair.Kernel.Segments.All(each => each.Has(TcpFlags.Fin))
                && pair.Ours.Segments is [var only] && only.Has(TcpFlags.Rst)),
    ];

    private static readonly KnownDifference[] Sending =
    [
        new("window-after-a-repeated-syn", """
            A SYN that comes again says that its SYN-ACK was lost: then the first window is one segment (RFC 5681 section 3.1). The kernel waits for two such
            signs.
            """, EndsComparison: true,
            pair => pair.SameResults && pair.Exchange.Steps.Take(pair.Index).Count(step => step.Kind == StepKind.Segment && step.IsSyn() && step.FromStart) > 1
                && pair.Ours.Segments.Count(each => each.Length > 0) <= 1 && IsPrefix(pair)),

        new("old-acknowledgment-with-data", """
            An acknowledgment older than the largest window cannot be the peer's (RFC 5961 section 5.2), so ours drops what comes with it. The kernel does
            that only off its fast path.
            """, EndsComparison: true,
            pair => pair.SameResults && pair.Peer(step => step is { Ack: AckField.Old, AckDetail: >= 100_000 })),

        new("syn-again-after-reset", """
            A wrong acknowledgment in SYN-SENT makes the kernel repeat its SYN at once; ours waits for its timer (RFC 9293 section 3.10.7.3 says nothing of it).
            """, EndsComparison: true,
            pair => pair.Step.Kind == StepKind.Wait && pair.Sent(each => each.Flags == TcpFlags.Syn, null)
                && pair.HadBefore(step => !step.IsSyn())),

        new("report-repeated", """
            A duplicate is reported in one acknowledgment (RFC 2883 section 4): ours has it in the first segment of several, the kernel in all that leave
            at once.
            """, EndsComparison: true,
            pair => pair.SameResults && pair.Kernel.Segments.Count > 1 && pair.Ours.Segments.Count > 1 && pair.Kernel.Segments[0] == pair.Ours.Segments[0]
                && pair.Kernel.Segments.All(each => each.Sack == pair.Ours.Segments[0].Sack) && pair.Ours.Segments[0].Sack.Length > 0
                && StepPair.Blocks(pair.Ours.Segments[1]).Count < StepPair.Blocks(pair.Ours.Segments[0]).Count),

        new("window-in-octets", """
            The kernel's congestion window counts segments, ours octets (RFC 5681 section 2): of segments that are not full more or fewer fit, also into the
            window of one after a timeout. And the kernel may wait for room for more of them at once. Everything else about them is the same.
            """, EndsComparison: true,
            pair => pair.SameResults && IsPrefix(pair) && (pair.KernelTrace.Take(pair.Index + 1).Sum(seen => seen.Segments.Count(each => each.Length > 0)) >= 8
                || pair.Exchange.Steps.Take(pair.Index).Any(step => step.Kind == StepKind.Wait))),

        new("small-window", """
            How octets are cut for a window of few segments is the sender's affair, as long as it sends no silly ones (RFC 9293 section 3.8.6.2.1). Ours waits
            for a full segment or half of the largest window; the kernel halves its segments and sends what is left.
            """, EndsComparison: true,
            pair => pair.SameResults && pair.Exchange.Steps.Max(step => step.Kind == StepKind.Segment ? step.Window : 0) <= 10_000 && IsNewData(pair)),

        new("cut-anew", """
            What is sent again may be cut anew and carry octets that were not sent before (RFC 9293 section 3.8.1), and how much goes again at once is the
            recovery's affair (RFC 9937, RFC 6675); it begins at the same octet.
            """, EndsComparison: true,
            pair => pair.SameResults && pair.Kernel.Segments.Count > 0 && pair.Ours.Segments.Count > 0 && pair.Kernel.Segments[0].Length > 0 && pair.Ours.Segments[0].Length > 0
                && pair.Kernel.Segments[0].Sequence == pair.Ours.Segments[0].Sequence && pair.Kernel.Segments[0].Sequence < pair.KernelSeen),
    ];

    public static readonly IReadOnlyList<KnownDifference> All = [.. Opening, .. Acknowledging, .. Ending, .. Sending];

    public static KnownDifference? Find(Exchange exchange, int step, IReadOnlyList<StepSeen> kernel, IReadOnlyList<StepSeen> ours)
    {
        StepPair pair = new(exchange, step, kernel, ours);
        foreach (KnownDifference known in All) if (known.Matches(pair)) return known;
        // Several at once, each in its own fields.
        KnownDifference[] together = [.. All.Where(known => known.Applies is { } applies && applies(pair))];
        bool same = together.Length > 1 && pair.SameBut(each => together.Aggregate(each, (segment, known) => known.Change!(segment)));
        return same ? together[0] : null;
    }

    private static bool IsSackWithoutFin(StepPair pair)
    {
        for (int i = 0; i < pair.Kernel.Segments.Count; i++)
        {
            IReadOnlyList<(int Left, int Right)> ours = StepPair.Blocks(pair.Ours.Segments[i]);
            foreach ((int left, int right) in StepPair.Blocks(pair.Kernel.Segments[i]))
            {
                if (!ours.Contains((left, right)) && !ours.Contains((left, right - 1)) && right - left != 1) return false;
            }
        }
        return true;
    }

    private static bool IsPrefix(StepPair pair)
    {
        IReadOnlyList<SentSegment> kernel = pair.Kernel.Segments, ours = pair.Ours.Segments;
        int common = Math.Min(kernel.Count, ours.Count);
        return kernel.Take(common).SequenceEqual(ours.Take(common)) && kernel.Concat(ours).All(each => each.Length > 0 || each.IsBareAck || each.Has(TcpFlags.Fin));
    }

    /// <summary>Whether both sent, if anything, octets that follow what was sent before.</summary>
    private static bool IsNewData(StepPair pair) =>
        pair.Kernel.Segments.Concat(pair.Ours.Segments).All(each => each.IsBareAck || each.Sequence >= pair.KernelSeen)
        && pair.Kernel.Segments.Concat(pair.Ours.Segments).Any(each => each.Length > 0);

    private static bool IsSameBehindDuplicate(SentSegment kernel, SentSegment ours)
    {
        IReadOnlyList<(int Left, int Right)> theirs = StepPair.Blocks(kernel), blocks = StepPair.Blocks(ours);
        if (theirs.SequenceEqual(blocks)) return true;
        return blocks.Count > 1 && theirs.SequenceEqual(blocks.Skip(1)) && blocks[0].Left >= blocks[1].Left && blocks[0].Right <= blocks[1].Right;
    }
}
