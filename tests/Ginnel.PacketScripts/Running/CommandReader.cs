using System.Globalization;
using System.Text;
using Ginnel.PacketScripts.Syntax;

namespace Ginnel.PacketScripts.Running;

/// <summary>
/// Reads the commands of scripts; nothing is ever executed. What sets something known is applied, what could have no effect here is passed
/// over, everything else fails the script by its name.
/// </summary>
internal sealed class CommandReader(Profile profile)
{
    /// <summary>Takes over what the commands say; the time that they sleep.</summary>
    internal TimeSpan Read(int line, string text)
    {
        TimeSpan slept = TimeSpan.Zero;
        foreach (List<string> words in Split(text.Replace("\\\n", " ", StringComparison.Ordinal)))
        {
            if (words.Count > 0) slept += ReadOne(line, words);
        }
        return slept;
    }

    private TimeSpan ReadOne(int line, List<string> words)
    {
        string name = words[0];
        string file = name[(name.LastIndexOf('/') + 1)..];
        switch (file)
        {
            case "sysctl": ReadSettings(line, words.Skip(1).Where(word => !word.StartsWith('-'))); break;
            case "set_sysctls.py": ReadSettings(line, words.Skip(1)); break;
            case "defaults.sh" or "defaults": profile.ApplyDefaults(line); break;
            case "python" or "python3" or "bash" or "sh" or "sudo" or "env" when words.Count > 1: return ReadOne(line, words[1..]);
            case "echo" or "printf": ReadEcho(line, words); break;
            case "ip": ReadIp(line, words); break;
            case "ifconfig" when words is [_, _, "mtu", _]: profile.SetMtu(line, words[3]); break;
            case "sleep": return Seconds(line, words);
            // Queues, offloads, modules and counters of a machine that is not there.
            case "tc" when words.Any(word => word is "netem" or "limit" or "tbf" or "rate" or "drop" or "police"): throw new ScriptException(line, "a queue that drops or delays ('tc') is not supported");
            case "tc" or "ethtool" or "modprobe" or "kldload" or "kldunload" or "nstat" or "true" or ":" or "sync" or "set" or "cd" or "ulimit" or "mount": break;
            // What restores settings afterwards.
            case var restore when restore.StartsWith("sysctl_restore", StringComparison.Ordinal) || restore is "cleanup.sh": break;
            default: throw new ScriptException(line, $"the command '{name}' is never executed, and what it would do is not known");
        }
        return TimeSpan.Zero;
    }

    private static TimeSpan Seconds(int line, List<string> words) =>
        words.Count == 2 && double.TryParse(words[1].TrimEnd('s'), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds)
            ? TimeSpan.FromSeconds(seconds) : throw new ScriptException(line, $"'{string.Join(' ', words)}' is no time to sleep");

    private void ReadSettings(int line, IEnumerable<string> settings)
    {
        foreach (string setting in settings)
        {
            string[] pair = setting.Split('=', 2);
            // A name alone only asks.
            if (pair.Length != 2) continue;
            profile.Set(line, Name(pair[0]), pair[1].Trim());
        }
    }

    // echo 1 > /proc/sys/net/ipv4/tcp_sack; without a file of settings it only talks.
    private void ReadEcho(int line, List<string> words)
    {
        int to = words.IndexOf(">");
        if (to < 0 || to + 1 >= words.Count) return;
        if (!words[to + 1].StartsWith("/proc/sys/", StringComparison.Ordinal)) throw new ScriptException(line, $"the file '{words[to + 1]}' is never written");
        profile.Set(line, Name(words[to + 1]), string.Join(' ', words[1..to]));
    }

    /// <summary>net.ipv4.tcp_sack, however it is written: with slashes, or as a file.</summary>
    private static string Name(string text)
    {
        const string Root = "/proc/sys/";
        return (text.StartsWith(Root, StringComparison.Ordinal) ? text[Root.Length..] : text).Replace('/', '.');
    }

    private void ReadIp(int line, List<string> words)
    {
        List<string> parts = [.. words.Skip(1).Where(word => !word.StartsWith('-'))];
        switch (parts)
        {
            case ["tcp_metrics" or "tcpmetrics", ..] or ["neigh", ..] or ["route", "flush", "cache", ..] or ["link", "show", ..] or ["route", "show" or "list", ..]: return;
            case ["link", "set", ..] when parts.IndexOf("mtu") is > 0 and var at: profile.SetMtu(line, parts[at + 1]); return;
            case ["link", "set", ..] when parts.Contains("txqueuelen") || parts.Contains("gso_max_size") || parts.Contains("gso_max_segs") || parts.Contains("up"): return;
            case ["route", "change" or "add" or "replace" or "append", ..]: ReadRoute(line, parts); return;
            default: throw new ScriptException(line, $"the command '{string.Join(' ', words)}' is never executed, and what it would do is not known");
        }
    }

    // The attributes of a route that are the tuning of a connection.
    private void ReadRoute(int line, List<string> parts)
    {
        for (int i = 2; i < parts.Count; i++)
        {
            switch (parts[i])
            {
                case "initcwnd": profile.Tune(line, tuning => tuning with { InitialWindow = (int)Settings.Number(line, "initcwnd", parts[++i]) }); break;
                case "quickack": profile.Tune(line, tuning => tuning with { QuickAcks = parts[++i] == "0" ? 0 : int.MaxValue }); break;
                case "rto_min": profile.Tune(line, tuning => tuning with { MinRetransmitTimeout = Span(line, parts[++i]) }); break;
                case "congctl": profile.Set(line, "net.ipv4.tcp_congestion_control", parts[++i]); break;
                case "dev" or "via" or "proto" or "scope" or "src" or "table" or "metric": i++; break;
                case "mtu" or "advmss" or "initrwnd" or "window" or "rtt" or "rttvar" or "ssthresh" or "cwnd" or "reordering" or "features" or "hoplimit" or "fastopen_no_cookie":
                    throw new ScriptException(line, $"the route's attribute '{parts[i]}' is not supported");
                default: break;
            }
        }
    }

    private static TimeSpan Span(int line, string text) => text switch
    {
        _ when text.EndsWith("us", StringComparison.Ordinal) => TimeSpan.FromMicroseconds(Settings.Number(line, "rto_min", text[..^2])),
        _ when text.EndsWith("ms", StringComparison.Ordinal) => TimeSpan.FromMilliseconds(Settings.Number(line, "rto_min", text[..^2])),
        _ when text.EndsWith('s') => TimeSpan.FromSeconds(Settings.Number(line, "rto_min", text[..^1])),
        _ => TimeSpan.FromMilliseconds(Settings.Number(line, "rto_min", text)),
    };

    // As a shell splits: lines, semicolons and && between commands, words within; redirections to /dev/null and of errors fall away.
    private static List<List<string>> Split(string text)
    {
        List<List<string>> commands = [[]];
        var word = new StringBuilder();
        bool has = false;
        int depth = 0;
        for (int i = 0; i <= text.Length; i++)
        {
            char next = i < text.Length ? text[i] : '\n';
            if (next is '"' or '\'')
            {
                int end = text.IndexOf(next, i + 1);
                word.Append(text, i + 1, (end < 0 ? text.Length : end) - i - 1);
                (has, i) = (true, end < 0 ? text.Length : end);
                continue;
            }
            if (next == '#' && !has) { i = text.IndexOf('\n', i) is >= 0 and var end ? end : text.Length; next = '\n'; }
            if (next == '&' && word.Length > 0 && word[^1] == '>') { word.Append(next); continue; }
            if (next == '(') depth++;
            if (next == ')') depth--;
            if (depth > 0 || !(char.IsWhiteSpace(next) || next is ';' or '&' or '|')) { word.Append(next); has = true; continue; }
            if (has) commands[^1].Add(word.ToString());
            word.Clear();
            has = false;
            if (next is '\n' or ';' or '&' or '|') commands.Add([]);
        }
        foreach (List<string> words in commands) Unredirect(words);
        return commands;
    }

    private static void Unredirect(List<string> words)
    {
        words.RemoveAll(word => word.StartsWith("2>", StringComparison.Ordinal) || word == ">/dev/null");
        int at = words.IndexOf(">");
        if (at > 0 && at + 1 < words.Count && words[at + 1] == "/dev/null") words.RemoveRange(at, 2);
    }
}
