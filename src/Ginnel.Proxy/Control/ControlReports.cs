using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ginnel.Proxy.Control;

/// <summary>What a proxy is and how it is.</summary>
/// <param name="Name">The instance's name.</param>
/// <param name="Version">The program's.</param>
/// <param name="State">Always <c>running</c>: who is not answers nothing.</param>
/// <param name="UptimeSeconds">How long it has run.</param>
/// <param name="Addresses">Ours in the tunnel, with their networks.</param>
/// <param name="PublicKey">Ours, base64.</param>
/// <param name="Listen">Where the tunnel's carrier can be reached.</param>
/// <param name="Mtu">Of the tunnel.</param>
/// <param name="Dns">The tunnel's name servers.</param>
/// <param name="Peers">How many there are.</param>
/// <param name="HealthyPeers">How many have a fresh handshake.</param>
/// <param name="Rules">How many there are.</param>
/// <param name="Flows">How many live.</param>
/// <param name="EndedFlows">How many carried and have ended.</param>
/// <param name="FailedFlows">How many could not be dialled.</param>
/// <param name="Debug">Whether a line is written for every flow that ends.</param>
public sealed record StatusReport(
    string Name, string Version, string State, double UptimeSeconds, IReadOnlyList<string> Addresses, string PublicKey, string? Listen, int Mtu,
    IReadOnlyList<string> Dns, int Peers, int HealthyPeers, int Rules, int Flows, long EndedFlows, long FailedFlows, bool Debug);

/// <summary>A peer.</summary>
/// <param name="PublicKey">Base64.</param>
/// <param name="Endpoint">Where it was last heard, or is expected; null if unknown.</param>
/// <param name="AllowedIps">The addresses that are its.</param>
/// <param name="LatestHandshakeSeconds">How long ago; null if there was none.</param>
/// <param name="ReceivedBytes">From it.</param>
/// <param name="SentBytes">To it.</param>
/// <param name="PersistentKeepaliveSeconds">0 for none.</param>
/// <param name="Healthy">Whether the latest handshake is younger than 210 s.</param>
public sealed record PeerReport(
    string PublicKey, string? Endpoint, IReadOnlyList<string> AllowedIps, double? LatestHandshakeSeconds, long ReceivedBytes, long SentBytes,
    int PersistentKeepaliveSeconds, bool Healthy);

/// <summary>A rule.</summary>
/// <param name="Direction"><c>ingress</c> or <c>egress</c>.</param>
/// <param name="Rule">As the command line takes it.</param>
/// <param name="Name">Its <c>name=</c>; null for none.</param>
/// <param name="Persistent">Whether it was added at run time and is there again after a restart.</param>
/// <param name="Flows">Flows that live by it.</param>
public sealed record RuleReport(string Direction, string Rule, string? Name, bool Persistent, int Flows);

/// <summary>A live flow.</summary>
/// <param name="Id">Its number, by which it can be ended.</param>
/// <param name="Protocol"><c>tcp</c>, <c>udp</c> or <c>icmp</c>.</param>
/// <param name="Origin">The rule's name or port, or the listener it came in by.</param>
/// <param name="Source">Who began it.</param>
/// <param name="Target">Where it was dialled to.</param>
/// <param name="BytesUp">Toward the target.</param>
/// <param name="BytesDown">From it.</param>
/// <param name="AgeSeconds">How long it has lived.</param>
public sealed record FlowLine(long Id, string Protocol, string Origin, string? Source, string? Target, long BytesUp, long BytesDown, double AgeSeconds);

/// <summary>What an echo request came to.</summary>
/// <param name="Address">Who was asked.</param>
/// <param name="Sent">Requests.</param>
/// <param name="Received">Answers.</param>
/// <param name="Milliseconds">Of each answer, in their order.</param>
/// <param name="Error">Why there was none; null if there was one.</param>
public sealed record PingReport(string Address, int Sent, int Received, IReadOnlyList<double> Milliseconds, string? Error);

/// <summary>A request to add rules: all or none.</summary>
/// <param name="Ingress">Rules that listen on the tunnel.</param>
/// <param name="Egress">Rules that listen on the host.</param>
public sealed record RuleRequest(IReadOnlyList<string>? Ingress, IReadOnlyList<string>? Egress);

/// <summary>A request to take rules out: each as it was given, without its options, or by its name.</summary>
/// <param name="Ingress">Of those that listen on the tunnel.</param>
/// <param name="Egress">Of those that listen on the host.</param>
/// <param name="Names">By their names, either way.</param>
/// <param name="Now">Whether their flows are reset; otherwise they go on.</param>
public sealed record RemovalRequest(IReadOnlyList<string>? Ingress, IReadOnlyList<string>? Egress, IReadOnlyList<string>? Names, bool Now = false);

/// <summary>Rules that were added or taken out.</summary>
/// <param name="Rules">Which, as flags.</param>
/// <param name="Draining">Flows that go on without their rule.</param>
/// <param name="Warning">What did not succeed beside it; null for nothing.</param>
public sealed record RulesChanged(IReadOnlyList<string> Rules, int Draining = 0, string? Warning = null);

/// <summary>What a reload did to the peers.</summary>
/// <param name="Added">New ones.</param>
/// <param name="Changed">Those that began anew.</param>
/// <param name="Removed">Those that are gone.</param>
public sealed record ReloadReport(int Added, int Changed, int Removed);

/// <summary>A request for an echo.</summary>
/// <param name="Address">Whom to ask.</param>
/// <param name="Count">How often, 1–100.</param>
/// <param name="TimeoutMilliseconds">How long to wait for each, up to 60,000.</param>
public sealed record PingRequest(string Address, int Count = 1, int TimeoutMilliseconds = 2_000);

/// <summary>Whether lines about flows are written.</summary>
/// <param name="Enabled">Whether.</param>
public sealed record DebugState(bool Enabled);

/// <summary>What went wrong.</summary>
/// <param name="Error">A sentence.</param>
public sealed record ErrorReport(string Error);

/// <summary>How all of these are written.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(StatusReport))]
[JsonSerializable(typeof(IReadOnlyList<PeerReport>))]
[JsonSerializable(typeof(IReadOnlyList<RuleReport>))]
[JsonSerializable(typeof(IReadOnlyList<FlowLine>))]
[JsonSerializable(typeof(PingReport))]
[JsonSerializable(typeof(PingRequest))]
[JsonSerializable(typeof(RuleRequest))]
[JsonSerializable(typeof(RemovalRequest))]
[JsonSerializable(typeof(RulesChanged))]
[JsonSerializable(typeof(ReloadReport))]
[JsonSerializable(typeof(DebugState))]
[JsonSerializable(typeof(ErrorReport))]
public sealed partial class ControlJson : JsonSerializerContext
{
    /// <summary>With plain quotes and pluses: keys are base64, and nothing of this ever stands in a page.</summary>
    public static ControlJson Plain => field ??= new ControlJson(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
