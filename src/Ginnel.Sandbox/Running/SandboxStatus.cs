using System.Net;
using Ginnel.Services.Status;

namespace Ginnel.Sandbox;

/// <summary>Takes the snapshot that the status page shows.</summary>
internal sealed class SandboxStatus(RunOptions options, SandboxAddresses addresses, WayOut way, FlowRegistry flows, FlowLog log, TimeProvider time)
{
    private const int MaxFlows = 500;
    private readonly long _started = time.GetTimestamp();

    public StatusSnapshot Take()
    {
        IReadOnlyCollection<Flow> live = flows.Live;
        (long up, long down) = log.Totals;
        ResolverConfiguration resolver = way.Resolvers.Current;
        return new StatusSnapshot
        {
            Version = options.Version(),
            Uptime = time.GetElapsedTime(_started),
            Network =
            [
                new("addresses", "Addresses", [.. addresses.Plans.Select(p => $"{p.Guest}/{p.Subnet.PrefixLength}")]),
                new("gateway", "Gateway", [.. addresses.Plans.Select(p => p.Gateway.ToString())]),
                new("dns", "DNS", [.. addresses.Plans.Select(p => p.NameServer.ToString())]),
                new("resolvers", "Resolvers", resolver.Servers.Count == 0 ? ["none: names cannot be resolved"] : [.. resolver.Servers.Select(Plain)]),
                new("host", "Host loopback", [options.HostLoopback ? $"open as host.{SandboxAddresses.Zone} ({string.Join(", ", addresses.Plans.Select(p => p.Host))})" : "closed (--host-loopback opens it)"]),
                new("published", "Published", options.Publish.Count == 0 ? ["nothing"] : [.. options.Publish.Select(p => p.ToString())]),
                new("mtu", "MTU", [options.Mtu.ToString(System.Globalization.CultureInfo.InvariantCulture)]),
                new("wayOut", "Way out", [way.Description]),
            ],
            Flows = [.. live.OrderBy(f => f.Id).Take(MaxFlows).Select(FlowLog.ToStatus)],
            EndedFlows = flows.EndedCount + flows.FailedCount,
            BytesUp = up,
            BytesDown = down,
        };
    }

    private static string Plain(IPEndPoint server) => server.Port == 53 ? server.Address.ToString() : server.ToString();
}
