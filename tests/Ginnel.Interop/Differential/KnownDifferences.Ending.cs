using Ginnel.Wire;

namespace Ginnel.Interop.Differential;

/// <content>How connections end, and what is left of them.</content>
internal static partial class KnownDifferences
{
    private static KnownDifference[] Ending() =>
    [
        new("options-of-a-reset", """
            Which options a reset has beside the timestamps that RFC 7323 section 3.2 asks for: the kernel's, if its application asked for
            it, has SACK blocks as well. Who gets it looks at its number alone (RFC 5961 section 3.2).
            """,
            pair => true,
            each => each.Has(TcpFlags.Rst) ? each with { HasStamp = false, Echo = 0, Sack = "" } : each),

        new("reset-of-the-closed", """
            Data for a connection that its application has closed: the kernel answers with a reset at the number that the segment
            acknowledges, ours with one at SND.NXT that acknowledges. RFC 9293 section 3.6.1 wants a reset and leaves its form open.
            """, Rest.Everything,
            pair => pair.SameResults && pair.WasClosed
                && pair.Sent(each => each.Flags == TcpFlags.Rst, each => each.Flags == (TcpFlags.Rst | TcpFlags.Ack))),

        new("closed-in-fin-wait-2", """
            Of a connection that is closed and waits for the peer's FIN the kernel keeps little: it resets upon a SYN and upon data
            whatever they acknowledge, and believes any reset in the window. Ours challenges them, as long as it is there (RFC 5961
            sections 3.2, 4.2 and 5.2).
            """, Rest.Nothing,
            pair => pair.SameResults && pair.WasClosed && pair.FinAcknowledged && pair.Ours.Segments.All(each => each.IsBareAck)
                && (pair.HadBefore(step => step.IsReset() && step.Offset != 0)
                    || (pair.Peer(step => step.IsReset()) && pair.Kernel.Segments.Count == 0)
                    || (pair.Peer(step => step.IsChallenged() && !step.IsReset()) && pair.KernelResetsAtMost))),

        new("closing-acknowledgment-that-ends-at-next", """
            A segment that ends exactly where the next octet is expected acknowledges the FIN: the kernel believes it, and then says nothing
            to the segment; here it is not acceptable and acknowledged (RFC 9293 section 3.10.7.4, first step).
            """, Rest.Nothing,
            pair => pair.SameResults && pair.Did(StepKind.Close, StepKind.Shutdown)
                && pair.Ours.Built is { EndsAtNext: true, Acknowledges: true } && pair.Sent(null, each => each.IsBareAck)),

        new("closed-in-fin-wait-2-options", """
            The same: bare acknowledgments do not change what it echoes, as by RFC 7323 section 4.3 they do, and it reports no duplicates
            (RFC 2883 lets a receiver).
            """,
            pair => pair.WasClosed && pair.FinAcknowledged,
            each => each with { Echo = 0, Sack = "" }),

        new("time-wait-acknowledgment", """
            In TIME-WAIT the kernel looks at no acknowledgment; ours challenges what was never sent (RFC 5961 section 5.2).
            """, Rest.Everything,
            pair => pair.SameResults && pair.FinAcknowledged && pair.HadBefore(step => step.IsFin())
                && pair.Peer(step => step.Ack is AckField.Beyond or AckField.Old) && pair.Sent(null, each => each.IsBareAck)),

        new("time-wait-echo", """
            In TIME-WAIT the kernel echoes the timestamps of such segments, and of resets, as well. Neither are believed (RFC 5961 section
            5.2, RFC 7323 section 5.2).
            """,
            pair => pair.FinAcknowledged && pair.HadBefore(step => step.IsFin())
                && pair.Had(step => step.IsReset() || step.Ack is AckField.Beyond or AckField.Old),
            each => each with { Echo = 0 }),

        new("answer-to-data-behind-fin", """
            Data behind the FIN: ours ignores them in silence (RFC 9293 section 3.10.7.4, seventh step), the kernel acknowledges.
            """, Rest.Nothing,
            pair => pair.SameResults && pair.HadBefore(step => step.IsFin()) && pair.Peer(step => step.Count > 0)
                && pair.Ours.Built is { } built && built.Left >= built.Next && pair.Sent(each => each.IsBareAck, null)),
    ];

    private static KnownDifference[] Breaking() =>
    [
        new("reset-behind-sack", """
            Where octets are missing, the kernel believes a reset behind the last that it has reported as well (a guess at what its sender
            may know). RFC 5961 section 3.2 believes the next number only: ours challenges it.
            """, Rest.Nothing,
            pair => (IsResetBehindSack(pair, pair.Index) && pair.Sent(null, each => each.IsBareAck))
                || (Enumerable.Range(0, pair.Index).Any(at => IsResetBehindSack(pair, at)) && pair.KernelResetsAtMost)),

        new("abort-when-both-have-closed", """
            An ABORT when both ends have sent their FIN: RFC 9293 section 3.10.5 deletes the connection in silence, the kernel resets.
            """, Rest.Nothing,
            pair => pair.Step.Kind == StepKind.Abort && pair.HadBefore(step => step.IsFin()) && pair.SameResults
                && pair.Sent(each => each.Has(TcpFlags.Rst), null)),

        new("abort-in-time-wait", """
            An ABORT in TIME-WAIT: RFC 9293 section 3.10.5 deletes the connection, so that what comes later is for nobody; the kernel's
            TIME-WAIT stays.
            """, Rest.Nothing,
            pair => pair.SameResults && pair.HadBefore(step => step.IsFin()) && pair.Did(StepKind.Abort)
                && pair.Ours.Segments is [var only] && only.Has(TcpFlags.Rst) && pair.Kernel.Segments.All(each => each.IsBareAck)),

        new("write-after-end-and-reset", """
            Who writes when the peer has ended its stream and then reset the connection is told of a broken pipe by the kernel, and of the
            reset by ours (RFC 9293 section 3.10.7.4, second step).
            """, Rest.Nothing,
            pair => pair.Step.Kind == StepKind.Write && pair.HadBefore(step => step.IsFin()) && pair.Kernel.Results is ["broken"]
                && pair.Ours.Results is ["reset"]),

        new("write-after-both-ends-and-reset", """
            Who writes behind his own end, when the peer has ended its stream as well and then reset the connection, is told of the reset
            by the kernel: by RFC 9293 section 3.10.7.4, second step, in CLOSING, LAST-ACK and TIME-WAIT nobody is, and it is his own end
            that stands against it.
            """, Rest.Nothing,
            pair => pair.Step.Kind == StepKind.Write && pair.HadBefore(step => step.IsFin()) && pair.HadBefore(step => step.IsReset())
                && pair.Did(StepKind.Shutdown) && pair.Kernel.Results is ["reset"] && pair.Ours.Results is ["broken"]),

        new("unread-beyond-a-hole", """
            Closing with octets beyond a hole that nobody will read: ours resets, since the peer's data are lost (RFC 9293 section 3.6.1);
            the kernel counts only what is in order.
            """, Rest.Nothing,
            pair => pair.Step.Kind == StepKind.Close && pair.SameResults && pair.HadHole
                && pair.Kernel.Segments.All(each => each.Has(TcpFlags.Fin)) && pair.Ours.Segments is [var only] && only.Has(TcpFlags.Rst)),
    ];

    /// <summary>Whether the peer's segment was a reset right behind what the kernel had reported beyond a hole.</summary>
    private static bool IsResetBehindSack(StepPair pair, int at) =>
        pair.KernelTrace[at].Built is { } built && built.Flags.HasFlag(TcpFlags.Rst) && built.Left != built.Next
        && pair.KernelTrace.Take(at).Any(seen => seen.Segments.Any(sent => StepPair.Blocks(sent).Any(block => block.Right == built.Left)));
}
