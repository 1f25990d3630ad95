using Ginnel.Wire;

namespace Ginnel.Interop.Differential;

/// <content>While a connection is opened.</content>
internal static partial class KnownDifferences
{
    private static KnownDifference[] Opening() =>
    [
        new("crossed-syn-options", """
            Where both open at once, the kernel's SYN-ACK is its SYN again, with all that it offered. RFC 7323 sections 2.2 and 3.2 let a
            SYN-ACK have only what the SYN had.
            """, Rest.Everything,
            pair => !pair.Exchange.Listens && pair.Peer(step => step.IsSyn())
                && pair.Ours.Segments.Any(each => each.Has(TcpFlags.Syn | TcpFlags.Ack))
                && pair.SameBut(each => !each.Has(TcpFlags.Syn) ? each
                    : each with { HasScale = false, SackPermitted = false, HasStamp = false, Echo = 0 })),

        new("crossed-syn-reported", """
            The SYN-ACK that completes a simultaneous open repeats the SYN's number; the kernel reports it as a duplicate. RFC 2883 is
            about data.
            """, Rest.Everything,
            pair => !pair.Exchange.Listens && pair.Peer(step => step.IsSyn()) && pair.HadBefore(step => step.IsSyn())
                && pair.SameBut(each => each with { Sack = "" })),

        new("crossed-syn-unacknowledged", """
            Where both open at once, the kernel takes an acknowledgment of nothing for one of its SYN. RFC 9293 section 3.10.7.4, fifth
            step, wants more than SND.UNA, and else a reset.
            """, Rest.Nothing,
            pair => !pair.Exchange.Listens && pair.HadBefore(step => step.IsSyn() && step.Ack == AckField.Absent)
                && pair.Ours.Built?.Acknowledgment <= 0 && pair.Kernel.Results.Contains("connected")
                && pair.Ours.Segments is [var only] && only.Flags == TcpFlags.Rst),

        new("data-on-syn-ack", """
            The kernel drops data on a SYN-ACK; the peer has to send them again. RFC 9293 section 3.10.7.3 lets them be processed, and ours
            takes them.
            """, Rest.Nothing,
            pair => !pair.Exchange.Listens && pair.Peer(step => step.IsSyn() && step.Count > 0)
                && pair.SameBut(each => each with { Acknowledgment = null })),

        new("half-open-number-first", """
            While a connection is half open the kernel looks at the acknowledgment before the number, and resets. RFC 9293 section 3.10.7.4
            looks at the number first: what lies outside of the window is acknowledged.
            """, Rest.Everything,
            pair => pair.IsHalfOpen && pair.SameResults
                && pair.Peer(step => step.Offset != 0 && step.Ack is not (AckField.All or AckField.Absent))
                && pair.Sent(each => each.Flags == TcpFlags.Rst, each => each.IsBareAck)),

        new("half-open-other-syn", """
            Another SYN while a connection is half open: the kernel resets it, by RFC 9293 section 3.10.7.4 it would be forgotten in
            silence; ours challenges, as it does on any living connection (RFC 5961 section 4.2), so that a stranger's SYN ends nothing. A
            client that has begun anew resets what is left by that.
            """, Rest.Nothing,
            pair => pair.IsHalfOpen && pair.SameResults && pair.Peer(step => step.IsSyn() && !step.IsOpening())
                && pair.KernelResetsAtMost && pair.Ours.Segments.All(each => each.IsBareAck)),

        new("half-open-duplicates", """
            While a connection is half open the kernel reports no duplicates (RFC 2883 lets a receiver).
            """,
            pair => pair.IsHalfOpen && pair.Peer(step => step.Offset < 0 && step.Count > 0),
            each => each with { Sack = "" }),

        new("half-open-echo", """
            While a connection is half open the kernel takes only echoes of its SYN-ACK, not those of an acknowledgment that it sent since:
            the segment is acknowledged and dropped. RFC 7323 has no such rule.
            """, Rest.Nothing,
            pair => pair.IsHalfOpen && !pair.Kernel.Results.Contains("accepted") && pair.Ours.Results.Contains("accepted")
                && pair.KernelTrace.Take(pair.Index).Any(seen => seen.Segments.Any(each => each.IsBareAck && each.HasStamp))),
    ];
}
