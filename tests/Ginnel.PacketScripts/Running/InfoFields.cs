using Ginnel.Netstack;
using Ginnel.PacketScripts.Syntax;

namespace Ginnel.PacketScripts.Running;

/// <summary>The fields of Linux's <c>tcp_info</c> that the stack has, in Linux's units: segments, microseconds.</summary>
internal sealed class InfoFields(StackUnderTest subject, SocketId connection)
{
    /// <summary>The field's value, a constant's, or null.</summary>
    internal double? Find(string name)
    {
        if (name.StartsWith("tcpi_", StringComparison.Ordinal) || name.StartsWith("__tcpi_", StringComparison.Ordinal)) return Field(name.TrimStart('_'));
        return Symbols.Find(name);
    }

    private double? Field(string name)
    {
        if (!subject.Stack.TryGetInfo(connection, out TcpInfo info)) return name == "tcpi_state" ? Number(TcpState.Closed) : null;
        int segment = Math.Max(1, info.SendMss);
        return name switch
        {
            "tcpi_state" => Number(info.State),
            "tcpi_options" => (info.Timestamps ? 1 : 0) | (info.Sack ? 2 : 0) | (info.SendScale > 0 || info.ReceiveScale > 0 ? 4 : 0)
                | (info.Ecn ? 8 : 0) | (info.EcnSeen ? 16 : 0),
            "tcpi_snd_wscale" => info.SendScale,
            "tcpi_rcv_wscale" => info.ReceiveScale,
            "tcpi_snd_cwnd" => info.CongestionWindow / segment,
            "tcpi_snd_ssthresh" => info.SlowStartThreshold == int.MaxValue ? int.MaxValue : info.SlowStartThreshold / segment,
            "tcpi_unacked" => Segments(info.BytesInFlight, segment),
            "tcpi_snd_mss" => info.SendMss,
            "tcpi_rto" => info.RetransmitTimeout.TotalMicroseconds,
            "tcpi_rtt" => info.SmoothedRoundTrip.TotalMicroseconds,
            "tcpi_rttvar" => info.RoundTripVariation.TotalMicroseconds,
            "tcpi_total_retrans" => info.Retransmissions,
            "tcpi_snd_wnd" => info.SendWindow,
            "tcpi_rcv_wnd" => info.ReceiveWindow,
            "tcpi_notsent_bytes" => Math.Max(0, info.SendQueued - info.BytesInFlight),
            "tcpi_ca_state" => info.Loss switch { TcpLossState.Disorder => 1, TcpLossState.WindowReduced => 2, TcpLossState.Recovery => 3, TcpLossState.Loss => 4, _ => 0 },
            "tcpi_sacked" => Segments(info.BytesSacked, segment),
            // Linux counts what was sent again as lost until it is acknowledged.
            "tcpi_lost" => Segments(info.BytesLost + (info.Loss is TcpLossState.Recovery or TcpLossState.Loss ? info.BytesSentAgain : 0), segment),
            "tcpi_retrans" => Segments(info.BytesSentAgain, segment),
            "tcpi_min_rtt" => info.LeastRoundTrip.TotalMicroseconds,
            "tcpi_backoff" or "tcpi_retransmits" => info.Expiries,
            "tcpi_advmss" => info.AnnouncedMss,
            "tcpi_pmtu" => info.PathMtu,
            "tcpi_bytes_retrans" => info.BytesRetransmitted,
            "tcpi_segs_in" => info.SegmentsReceived,
            "tcpi_segs_out" => info.SegmentsSent,
            "tcpi_dsack_dups" => info.DuplicatesReported,
            "tcpi_probes" => info.Probes,
            "tcpi_bytes_sent" => info.BytesSent + info.BytesInFlight + info.BytesRetransmitted,
            "tcpi_bytes_acked" => info.BytesSent,
            "tcpi_bytes_received" => info.BytesReceived,
            _ => null,
        };
    }

    private static int Segments(int octets, int segment) => (octets + segment - 1) / segment;

    private static long Number(TcpState state) => state switch
    {
        TcpState.Established => 1, TcpState.SynSent => 2, TcpState.SynReceived => 3, TcpState.FinWait1 => 4, TcpState.FinWait2 => 5,
        TcpState.TimeWait => 6, TcpState.Closed => 7, TcpState.CloseWait => 8, TcpState.LastAck => 9, TcpState.Listen => 10,
        TcpState.Closing => 11, _ => 0,
    };
}
