using System.Globalization;
using Ginnel.Netstack;
using Ginnel.PacketScripts.Syntax;

namespace Ginnel.PacketScripts.Running;

/// <summary>
/// The settings of other systems by their names. Some turn the stack; of some the stack does the one thing or the other anyway, and the
/// wire shows whether that is what the script wants; some are about machines (queues, offloads, buffers) that are not there. A name
/// in none of these lists fails the script.
/// </summary>
internal static class Settings
{
    /// <summary>What a setting makes of the tuning.</summary>
    internal static Tuning Apply(int line, Tuning tuning, string name, string value)
    {
        if (NoEffect.Contains(name) || JudgedByTheWire.Contains(name)) return tuning;
        if (name is "net.ipv4.tcp_congestion_control" or "net.inet.tcp.cc.algorithm") return tuning with { Congestion = Control(line, value) };
        if (name is "net.ipv4.tcp_rmem") return tuning with { ReceiveBuffer = ReceiveBuffer(line, value) };
        long number = Number(line, name, value.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[^1]);
        return name switch
        {
            "net.ipv4.tcp_sack" or "net.inet.tcp.sack.enable" => tuning with { Sack = number != 0 },
            "net.ipv4.tcp_timestamps" => tuning with { Timestamps = number != 0 },
            "net.ipv4.tcp_window_scaling" => tuning with { WindowScaling = number != 0 },
            "net.ipv4.tcp_syncookies" or "net.inet.tcp.syncookies" => tuning with { SynCookies = CookieUse(number) },
            "net.inet.tcp.syncookies_only" => number == 0 ? tuning : tuning with { SynCookies = SynCookieUse.Always },
            "net.inet.tcp.rfc1323" => tuning with { Timestamps = number is 1 or 3, WindowScaling = number is 1 or 2 },
            "net.ipv4.tcp_ecn" or "net.inet.tcp.ecn.enable" => tuning with { Ecn = Ecn(line, name, number) },
            "net.ipv4.tcp_fin_timeout" => tuning with { FinWait2 = TimeSpan.FromSeconds(number) },
            "net.ipv4.tcp_keepalive_intvl" => tuning with { KeepAliveInterval = TimeSpan.FromSeconds(number) },
            "net.ipv4.tcp_keepalive_probes" => tuning with { KeepAliveProbes = (int)number },
            "net.ipv4.tcp_syn_retries" or "net.ipv4.tcp_synack_retries" => tuning with { ConnectTimeout = Tuning.AfterRetries((int)number) },
            "net.ipv4.tcp_rto_min_us" => tuning with { MinRetransmitTimeout = TimeSpan.FromMicroseconds(number) },
            "net.ipv4.tcp_rto_max_ms" => tuning with { MaxRetransmitTimeout = TimeSpan.FromMilliseconds(number) },
            "net.ipv4.tcp_retries2" => tuning with { GiveUpAfter = Patience((int)number) },
            "net.inet.tcp.initcwnd_segments" => tuning with { InitialWindow = (int)number },
            "net.inet.tcp.delayed_ack" => tuning with { QuickAcks = number == 0 ? int.MaxValue : 0 },
            "net.inet.tcp.delacktime" => tuning with { DelayedAck = TimeSpan.FromMilliseconds(number) },
            "net.inet.tcp.rexmit_min" => tuning with { MinRetransmitTimeout = TimeSpan.FromMilliseconds(number) },
            "net.inet.tcp.finwait2_timeout" => tuning with { FinWait2 = TimeSpan.FromMilliseconds(number) },
            "net.inet.tcp.keepinit" => tuning with { ConnectTimeout = TimeSpan.FromMilliseconds(number) },
            "net.inet.tcp.rexmit_initial" => tuning with { InitialRetransmitTimeout = TimeSpan.FromMilliseconds(number) },
            "net.ipv4.tcp_mtu_probing" or "net.inet.tcp.pmtud_blackhole_detection" => tuning with { PathMtuProbing = number != 0 },
            "net.inet.tcp.tolerate_missing_ts" => tuning with { TolerateMissingTimestamps = number != 0 },
            _ => throw new ScriptException(line, $"the setting '{name}' is not known"),
        };
    }

    /// <summary>A number, decimal or hexadecimal, or arithmetic of the shell: <c>$((15*1024*1024))</c>.</summary>
    internal static long Number(int line, string name, string text)
    {
        if (text.StartsWith("$((", StringComparison.Ordinal)) return (long)new Expression(line, text.Trim('$', '(', ')'), _ => null).Evaluate();
        bool isHex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        if (long.TryParse(isHex ? text[2..] : text, isHex ? NumberStyles.HexNumber : NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)) return number;
        throw new ScriptException(line, $"{name}: '{text}' is no number");
    }

    // Both systems count alike; from 3 on it is accurate ECN (RFC 9768), which the stack does not have.
    private static EcnMode Ecn(int line, string name, long number) => number switch
    {
        0 => EcnMode.Off,
        1 => EcnMode.Active,
        2 => EcnMode.Passive,
        _ => throw new ScriptException(line, $"{name} = {number} asks for accurate ECN, which is not supported (0, 1, 2)"),
    };

    // Linux offers the least scale with which the largest buffer can be told.
    private static int ReceiveBuffer(int line, string value)
    {
        long most = Number(line, "net.ipv4.tcp_rmem", value.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[^1]);
        int scale = 0;
        while (scale < 14 && most >> scale > ushort.MaxValue) scale++;
        return Tuning.BufferForScale(scale);
    }

    private static CongestionControlKind Control(int line, string value) => value switch
    {
        "cubic" => CongestionControlKind.Cubic,
        "reno" or "newreno" => CongestionControlKind.NewReno,
        _ => throw new ScriptException(line, $"this stack has no congestion control '{value}' (cubic, reno)"),
    };

    private static SynCookieUse CookieUse(long number) =>
        number switch { 0 => SynCookieUse.Off, 1 => SynCookieUse.OnOverflow, _ => SynCookieUse.Always };

    // The hypothetical time that Linux computes from the number: timeouts doubling from 200 ms to 120 s.
    private static TimeSpan Patience(int retries)
    {
        double seconds = 0;
        for (int i = 0; i <= Math.Clamp(retries, 0, 100); i++) seconds += Math.Min(0.2 * Math.Pow(2, Math.Min(i, 20)), 120);
        return TimeSpan.FromSeconds(seconds);
    }

    /// <summary>What the stack does in one way, or decides by itself: no switch, but the packets tell.</summary>
    private static readonly HashSet<string> JudgedByTheWire =
    [
        "net.ipv4.tcp_dsack", "net.ipv4.tcp_fack", "net.ipv4.tcp_frto", "net.ipv4.tcp_reordering", "net.ipv4.tcp_max_reordering", "net.ipv4.tcp_recovery",
        "net.ipv4.tcp_early_retrans", "net.ipv4.tcp_slow_start_after_idle", "net.ipv4.tcp_ecn_fallback", "net.ipv4.tcp_fastopen",
        "net.ipv4.tcp_fastopen_key", "net.ipv4.tcp_fastopen_blackhole_timeout_sec", "net.ipv4.tcp_retries1",
        "net.ipv4.tcp_rfc1337", "net.ipv4.tcp_abort_on_overflow", "net.ipv4.tcp_base_mss", "net.ipv4.tcp_min_snd_mss",
        "net.ipv4.tcp_moderate_rcvbuf", "net.ipv4.tcp_adv_win_scale", "net.ipv4.tcp_app_win", "net.ipv4.tcp_shrink_window", "net.ipv4.tcp_invalid_ratelimit",
        "net.ipv4.tcp_challenge_ack_limit", "net.ipv4.tcp_comp_sack_nr", "net.ipv4.tcp_comp_sack_delay_ns", "net.ipv4.tcp_comp_sack_slack_ns",
        "net.ipv4.tcp_thin_linear_timeouts", "net.ipv4.tcp_thin_dupack", "net.ipv4.tcp_tw_reuse", "net.ipv4.tcp_tw_reuse_delay", "net.ipv4.tcp_max_syn_backlog",
        "net.ipv4.tcp_orphan_retries", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_syn_linear_timeouts", "net.ipv4.tcp_workaround_signed_windows",
        "net.ipv4.tcp_no_ssthresh_metrics_save", "net.ipv4.tcp_stdurg", "net.ipv4.tcp_cwnd_reduction", "net.ipv4.tcp_plb_enabled", "net.ipv4.tcp_migrate_req",
        "net.ipv4.tcp_ecn_option", "net.ipv4.tcp_ecn_option_beacon", "net.ipv4.ip_no_pmtu_disc", "net.ipv4.route.min_pmtu", "net.ipv4.icmp_ratelimit",
        "net.ipv4.icmp_ratemask", "net.ipv4.ip_default_ttl", "net.ipv4.ip_local_port_range", "net.ipv6.conf.all.hop_limit", "net.ipv6.auto_flowlabels",
        "net.inet.tcp.rfc3390", "net.inet.tcp.rfc3042", "net.inet.tcp.rfc3465", "net.inet.tcp.rfc6675_pipe", "net.inet.tcp.do_prr",
        "net.inet.tcp.newcwd", "net.inet.tcp.do_lrd", "net.inet.tcp.path_mtu_discovery", "net.inet.tcp.icmp_may_rst", "net.inet.tcp.drop_synfin",
        "net.inet.tcp.syncache.rexmtlimit", "net.inet.tcp.blackhole", "net.inet.tcp.always_keepalive",
        "net.inet.tcp.rexmit_drop_options", "net.inet.tcp.insecure_rst", "net.inet.tcp.insecure_syn", "net.inet.tcp.insecure_ack", "net.inet.tcp.ack_war_timewindow",
        "net.inet.tcp.ack_war_cnt", "net.inet.tcp.cc.abe", "net.inet.tcp.hystartplusplus", "net.inet.tcp.functions_default",
        "net.inet.tcp.msl", "net.inet.tcp.nolocaltimewait", "net.inet.tcp.fastopen.server_enable", "net.inet.tcp.fastopen.client_enable", "net.inet.tcp.sack.lrd",
        "net.inet.tcp.sack.revised", "net.inet.udp.blackhole", "net.inet.icmp.icmplim",
    ];

    /// <summary>Queues, offloads, buffers and caches of a machine that is not there.</summary>
    private static readonly HashSet<string> NoEffect =
    [
        "net.ipv4.tcp_wmem", "net.ipv4.tcp_mem", "net.ipv4.tcp_tso_win_divisor", "net.ipv4.tcp_min_tso_segs", "net.ipv4.tcp_tso_rtt_log",
        "net.ipv4.tcp_limit_output_bytes", "net.ipv4.tcp_pacing_ss_ratio", "net.ipv4.tcp_pacing_ca_ratio", "net.ipv4.tcp_notsent_lowat",
        "net.ipv4.tcp_autocorking", "net.ipv4.tcp_no_metrics_save", "net.ipv4.tcp_low_latency", "net.ipv4.tcp_backlog_ack_defer", "net.ipv4.tcp_max_tw_buckets",
        "net.ipv4.tcp_max_orphans", "net.ipv4.tcp_reflect_tos", "net.ipv4.tcp_early_demux", "net.ipv4.tcp_child_ehash_entries", "net.ipv4.tcp_pingpong_thresh",
        "net.ipv4.tcp_l3mdev_accept", "net.ipv4.ip_nonlocal_bind", "net.ipv4.ip_forward", "net.core.rmem_max", "net.core.wmem_max", "net.core.rmem_default",
        "net.core.wmem_default", "net.core.default_qdisc", "net.core.optmem_max", "net.core.somaxconn", "net.core.netdev_max_backlog", "net.core.high_order_alloc_disable",
        "net.core.busy_poll", "net.core.busy_read", "net.core.bpf_jit_enable", "net.ipv4.conf.all.rp_filter", "net.ipv4.conf.tun0.rp_filter",
        "net.ipv6.conf.all.disable_ipv6", "net.inet.tcp.hostcache.purgenow", "net.inet.tcp.hostcache.purge", "net.inet.tcp.hostcache.expire",
        "net.inet.tcp.hostcache.enable", "net.inet.tcp.tso", "net.inet.tcp.log_debug", "net.inet.tcp.log_in_vain", "net.inet.tcp.sendspace", "net.inet.tcp.recvspace",
        "net.inet.tcp.recvbuf_auto", "net.inet.tcp.sendbuf_auto", "net.inet.tcp.recvbuf_max", "net.inet.tcp.sendbuf_max", "net.inet.tcp.reass.maxqueuelen",
        "kern.ipc.maxsockbuf", "kern.timecounter.alloweddeviation",
    ];
}
