using System.Globalization;
using System.Net;
using Ginnel.Services.Status;

namespace Ginnel.Sandbox;

/// <summary>Reports a line for every flow that ends, and counts.</summary>
public sealed class FlowLog(LineQueue? lines) : IFlowObserver
{
    private readonly FlowTotals _totals = new();

    /// <summary>Bytes of all flows toward the network and from it, at one moment.</summary>
    public (long Up, long Down) Totals => _totals.Read();

    /// <inheritdoc/>
    public void Started(Flow flow) => _totals.Started(flow);

    /// <inheritdoc/>
    public void Ended(Flow flow)
    {
        ArgumentNullException.ThrowIfNull(flow);
        _totals.Ended(flow);
        lines?.Add(Describe(flow));
    }

    /// <summary>The line: protocol, name or address with port, bytes, duration, how it ended.</summary>
    internal static string Describe(Flow flow) => string.Create(CultureInfo.InvariantCulture,
        $"ginnel: {ProtocolName(flow.Info.Protocol),-4} {Target(flow.Info)}  {Readable.Bytes(flow.BytesUp)} up  {Readable.Bytes(flow.BytesDown)} down  {Readable.Duration(flow.Duration)}  {Readable.Plain(flow.End.ToString())}");

    /// <summary>What the status page shows of a live flow.</summary>
    internal static StatusFlow ToStatus(Flow flow) => new(
        flow.Id, ProtocolName(flow.Info.Protocol), flow.Info.Source?.ToString(), flow.Info.Destination?.ToString(),
        flow.Info.Names is [var name, ..] ? name : null, flow.BytesUp, flow.BytesDown, flow.Duration);

    private static string ProtocolName(FlowProtocol protocol) => protocol switch
    {
        FlowProtocol.Tcp => "tcp",
        FlowProtocol.Udp => "udp",
        _ => "icmp",
    };

    private static string Target(FlowInfo flow) => flow switch
    {
        { Destination: IPEndPoint address, Names: [var name, ..] } => $"{Readable.Plain(name)}:{address.Port} ({address.Address})",
        { Destination: DnsEndPoint name } => $"{Readable.Plain(name.Host)}:{name.Port}",
        { Destination: { } destination } => Readable.Plain(destination.ToString()!),
        { Source: { } source } => $"from {source}",
        _ => "?",
    };
}
