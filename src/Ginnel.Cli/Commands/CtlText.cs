using System.Globalization;
using System.Text;
using Ginnel.Proxy.Control;

namespace Ginnel.Cli.Commands;

/// <summary>A proxy's answers for people.</summary>
internal static class CtlText
{
    public static string Status(StatusReport status) => string.Create(CultureInfo.InvariantCulture, $"""
        Status: Running
        name        {status.Name}
        version     {status.Version}
        up          {Duration(status.UptimeSeconds)}
        addresses   {string.Join(", ", status.Addresses)}
        public key  {status.PublicKey}
        listening   UDP {status.Listen}
        MTU         {status.Mtu}
        DNS         {(status.Dns.Count == 0 ? "none" : string.Join(", ", status.Dns))}
        peers       {status.HealthyPeers} healthy of {status.Peers}
        rules       {status.Rules}
        flows       {status.Flows} live, {status.EndedFlows} ended, {status.FailedFlows} failed
        debug       {(status.Debug ? "on" : "off")}

        """);

    public static string Peers(IReadOnlyList<PeerReport> peers)
    {
        if (peers.Count == 0) return "no peers\n";
        StringBuilder text = new();
        foreach (PeerReport peer in peers)
        {
            string handshake = peer.LatestHandshakeSeconds is { } age ? $"{Duration(age)} ago" : "never";
            text.Append(CultureInfo.InvariantCulture, $"""
                {peer.PublicKey}  {(peer.Healthy ? "healthy" : "no fresh handshake")}
                  endpoint          {peer.Endpoint ?? "unknown"}
                  allowed IPs       {(peer.AllowedIps.Count == 0 ? "none" : string.Join(", ", peer.AllowedIps))}
                  latest handshake  {handshake}
                  received / sent   {peer.ReceivedBytes} B / {peer.SentBytes} B
                  keepalive         {(peer.PersistentKeepaliveSeconds == 0 ? "off" : $"{peer.PersistentKeepaliveSeconds} s")}

                """);
        }
        return text.ToString();
    }

    // As nexctl prints them: a flag a line, nothing where there are none.
    public static string Rules(IReadOnlyList<RuleReport> rules) => string.Concat(rules.Select(rule => $"--{rule.Direction} {rule.Rule}\n"));

    public static string Changed(RulesChanged changed, string done)
    {
        if (changed.Warning is { } warning) Console.Error.WriteLine($"ginnel: {warning}");
        return string.Concat(changed.Rules.Select(rule => $"{done} {rule}\n")) + (changed.Draining > 0 ? $"{changed.Draining} flows go on until they end\n" : "");
    }

    public static string Flows(IReadOnlyList<FlowLine> flows) => string.Concat(flows.Select(flow => string.Create(CultureInfo.InvariantCulture,
        $"{flow.Id,6}  {flow.Protocol,-4}  {flow.Source ?? "?"} -> {flow.Target ?? "many"}  {flow.BytesUp} B up  {flow.BytesDown} B down  {Duration(flow.AgeSeconds)}  {flow.Origin}\n")));

    public static string Ping(PingReport ping)
    {
        string lines = string.Concat(ping.Milliseconds.Select(time => string.Create(CultureInfo.InvariantCulture, $"answer from {ping.Address}: {time:0.00} ms\n")));
        return ping.Error is { } error ? $"{ping.Address}: {error}\n" : string.Create(CultureInfo.InvariantCulture, $"{lines}{ping.Received} of {ping.Sent} answered\n");
    }

    public static string Reload(ReloadReport reload) => $"{reload.Added} peers added, {reload.Changed} changed, {reload.Removed} removed\n";

    public static string Debug(DebugState state) => $"debug {(state.Enabled ? "on" : "off")}\n";

    private static string Duration(double seconds)
    {
        TimeSpan span = TimeSpan.FromSeconds(seconds);
        return span switch
        {
            { TotalDays: >= 1 } => $"{span.Days} d {span.Hours} h",
            { TotalHours: >= 1 } => $"{span.Hours} h {span.Minutes} min",
            { TotalMinutes: >= 1 } => $"{span.Minutes} min {span.Seconds} s",
            _ => string.Create(CultureInfo.InvariantCulture, $"{seconds:0.#} s"),
        };
    }
}
