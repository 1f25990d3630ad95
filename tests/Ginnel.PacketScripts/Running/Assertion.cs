using Ginnel.Netstack;
using Ginnel.PacketScripts.Syntax;

namespace Ginnel.PacketScripts.Running;

/// <summary>
/// What stands between <c>%{</c> and <c>}%</c>: lines of <c>assert EXPRESSION [, MESSAGE]</c> over the fields of tcp_info that the stack
/// has. Expressions are those of a pocket calculator with comparisons, <c>and</c>, <c>or</c>, <c>not</c> and parentheses.
/// </summary>
internal sealed class Assertion(StackUnderTest subject, SocketId connection)
{
    internal void Check(int line, string text)
    {
        foreach (string statement in text.Split(['\n', ';'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (statement.StartsWith('#')) continue;
            if (!statement.StartsWith("assert ", StringComparison.Ordinal)) throw new ScriptException(line, $"'{statement}' is no assertion");
            var expression = new Expression(line, statement[7..], Field);
            if (expression.Evaluate() == 0) throw new ScriptException(line, $"{statement} fails ({expression.Used})");
        }
    }

    private long? Field(string name)
    {
        if (States.TryGetValue(name, out TcpState state)) return Number(state);
        if (!subject.Stack.TryGetInfo(connection, out TcpInfo info)) return name == "tcpi_state" ? Number(TcpState.Closed) : null;
        return name switch
        {
            "tcpi_state" => Number(info.State),
            "tcpi_snd_cwnd" => info.CongestionWindow / Math.Max(1, info.SendMss),
            "tcpi_snd_ssthresh" => info.SlowStartThreshold == int.MaxValue ? int.MaxValue : info.SlowStartThreshold / Math.Max(1, info.SendMss),
            "tcpi_unacked" => (info.BytesInFlight + info.SendMss - 1) / Math.Max(1, info.SendMss),
            "tcpi_snd_mss" => info.SendMss,
            "tcpi_rto" => (long)info.RetransmitTimeout.TotalMicroseconds,
            "tcpi_rtt" => (long)info.SmoothedRoundTrip.TotalMicroseconds,
            "tcpi_rttvar" => (long)info.RoundTripVariation.TotalMicroseconds,
            "tcpi_total_retrans" => info.Retransmissions,
            "tcpi_snd_wnd" => info.SendWindow,
            "tcpi_rcv_wnd" => info.ReceiveWindow,
            "tcpi_notsent_bytes" => info.SendQueued - info.BytesInFlight,
            _ => null,
        };
    }

    private static readonly Dictionary<string, TcpState> States = new()
    {
        ["TCP_ESTABLISHED"] = TcpState.Established, ["TCP_SYN_SENT"] = TcpState.SynSent, ["TCP_SYN_RECV"] = TcpState.SynReceived,
        ["TCP_FIN_WAIT1"] = TcpState.FinWait1, ["TCP_FIN_WAIT2"] = TcpState.FinWait2, ["TCP_TIME_WAIT"] = TcpState.TimeWait,
        ["TCP_CLOSE"] = TcpState.Closed, ["TCP_CLOSE_WAIT"] = TcpState.CloseWait, ["TCP_LAST_ACK"] = TcpState.LastAck,
        ["TCP_LISTEN"] = TcpState.Listen, ["TCP_CLOSING"] = TcpState.Closing,
    };

    // Linux's numbers, which scripts may use too.
    private static long Number(TcpState state) => state switch
    {
        TcpState.Established => 1, TcpState.SynSent => 2, TcpState.SynReceived => 3, TcpState.FinWait1 => 4, TcpState.FinWait2 => 5,
        TcpState.TimeWait => 6, TcpState.Closed => 7, TcpState.CloseWait => 8, TcpState.LastAck => 9, TcpState.Listen => 10,
        TcpState.Closing => 11, _ => 0,
    };
}
