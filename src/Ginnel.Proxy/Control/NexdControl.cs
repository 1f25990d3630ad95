using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Ginnel.Proxy.Control;

/// <summary>
/// The methods that <c>nexctl</c> calls on nexd's socket, so far as they have a meaning without nexodus' service: each takes one text and returns one.
/// </summary>
internal sealed class NexdControl(ProxyControl control, ProxySession session, string version)
{
    private const string Prefix = "NexdCtl.";
    private static readonly JsonSerializerOptions Plain = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly TimeSpan PingPatience = TimeSpan.FromMilliseconds(1_200);

    /// <summary>Answers a call.</summary>
    /// <exception cref="NexdException">It fails; nothing has changed.</exception>
    public async Task<string> CallAsync(string method, string argument, CancellationToken cancellationToken) => Verb(method) switch
    {
        "Status" => "Status: Running\n",
        "Version" => version,
        "GetTunnelIPv4" => Address(isV4: true),
        "GetTunnelIPv6" => Address(isV4: false),
        "ProxyList" => string.Concat(session.Ports.Rules.Select(rule => rule.AsFlag + "\n")),
        "ProxyAddIngress" => await AddAsync(new RuleRequest([argument], null), "ingress", argument, cancellationToken).ConfigureAwait(false),
        "ProxyAddEgress" => await AddAsync(new RuleRequest(null, [argument]), "egress", argument, cancellationToken).ConfigureAwait(false),
        "ProxyRemoveIngress" => await RemoveAsync(new RemovalRequest([argument], null, null), "ingress", argument, cancellationToken).ConfigureAwait(false),
        "ProxyRemoveEgress" => await RemoveAsync(new RemovalRequest(null, [argument], null), "egress", argument, cancellationToken).ConfigureAwait(false),
        "SetDebugOn" => Debug(true),
        "SetDebugOff" => Debug(false),
        "GetDebug" => control.Debug ? "on" : "off",
        "ListPeers" => Peers().ToJsonString(Plain),
        "ConnectivityV4" => (await ConnectivityAsync(isV4: true, cancellationToken).ConfigureAwait(false)).ToJsonString(Plain),
        "ConnectivityV6" => (await ConnectivityAsync(isV4: false, cancellationToken).ConfigureAwait(false)).ToJsonString(Plain),
        "ListExitNodes" => "[]",
        "EnableExitNodeClient" or "DisableExitNodeClient" => throw new NexdException("there are no exit nodes in a proxy"),
        _ => throw new NexdException($"rpc: can't find method {method}"),
    };

    private static string Verb(string method) => method.StartsWith(Prefix, StringComparison.Ordinal) ? method[Prefix.Length..] : "";

    private string Address(bool isV4)
    {
        IPAddress? address = session.Configuration.Addresses.Select(one => one.Address).FirstOrDefault(one => one.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork == isV4);
        return address?.ToString() ?? throw new NexdException($"the tunnel has no {(isV4 ? "IPv4" : "IPv6")} address");
    }

    private string Debug(bool isOn)
    {
        control.Debug = isOn;
        return $"Debug logging {(isOn ? "enabled" : "disabled")}";
    }

    private async Task<string> AddAsync(RuleRequest request, string direction, string rule, CancellationToken cancellationToken)
    {
        RulesChanged done = await control.AddAsync(request, cancellationToken).ConfigureAwait(false);
        return $"Added {direction} proxy rule: {rule}\n{done.Warning}";
    }

    private async Task<string> RemoveAsync(RemovalRequest request, string direction, string rule, CancellationToken cancellationToken)
    {
        RulesChanged done = await control.RemoveAsync(request, cancellationToken).ConfigureAwait(false);
        return $"Removed {direction} proxy rule: {rule}\n{done.Warning}";
    }

    private JsonObject Peers()
    {
        JsonObject peers = [];
        foreach (PeerReport peer in control.Peers())
        {
            peers[peer.PublicKey] = new JsonObject
            {
                ["PublicKey"] = peer.PublicKey,
                ["Endpoint"] = peer.Endpoint ?? "",
                ["AllowedIPs"] = new JsonArray([.. peer.AllowedIps.Select(network => JsonValue.Create(network))]),
                ["LatestHandshake"] = peer.LatestHandshakeSeconds is { } age ? (DateTimeOffset.UtcNow - TimeSpan.FromSeconds(age)).ToString("yyyy-MM-dd HH:mm:ss +0000 UTC", System.Globalization.CultureInfo.InvariantCulture) : "",
                ["Tx"] = peer.SentBytes,
                ["Rx"] = peer.ReceivedBytes,
                ["Healthy"] = peer.Healthy,
            };
        }
        return new JsonObject { ["relay-present"] = false, ["relay-required"] = false, ["peers"] = peers };
    }

    // A peer's address is the one network of its that is a single address.
    private async Task<JsonObject> ConnectivityAsync(bool isV4, CancellationToken cancellationToken)
    {
        IPAddress[] addresses =
        [
            .. session.Link.Peers.SelectMany(peer => peer.AllowedIps).Where(network => network.PrefixLength == (isV4 ? 32 : 128)
                && network.BaseAddress.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork == isV4).Select(network => network.BaseAddress).Take(256),
        ];
        PingReport[] reports = await Task.WhenAll(addresses.Select(address => new TunnelPing(session.Host, address).RunAsync(2, PingPatience, cancellationToken))).ConfigureAwait(false);
        JsonObject peers = [];
        foreach (PingReport report in reports)
        {
            peers[report.Address] = new JsonObject
            {
                ["wg_ip"] = report.Address,
                ["is_reachable"] = report.Received > 0,
                ["hostname"] = "",
                ["method"] = "",
                // nexd's latency bears no name.
                [""] = report.Received > 0 ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{report.Milliseconds[0]:0.00}ms") : "",
            };
        }
        return new JsonObject { ["peers"] = peers };
    }
}

/// <summary>A call that fails; its message is the answer's error.</summary>
internal sealed class NexdException(string message) : Exception(message);
