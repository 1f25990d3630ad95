using System.Buffers;
using System.Net;
using System.Text;
using System.Text.Json;
using Ginnel.Sandbox;

namespace Ginnel.Cli.Commands;

/// <summary>A JSON object on a line for every flow that ends, for machines that gather logs.</summary>
internal sealed class FlowJsonLog(LineQueue lines) : IFlowObserver
{
    public void Started(Flow flow)
    {
    }

    public void Ended(Flow flow)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartObject();
            json.WriteString("time", (flow.Started + flow.Duration).ToString("O"));
            json.WriteString("event", "flow");
            json.WriteNumber("id", flow.Id);
            json.WriteString("protocol", flow.Info.Protocol switch { FlowProtocol.Tcp => "tcp", FlowProtocol.Udp => "udp", _ => "icmp" });
            json.WriteString("origin", flow.Info.Origin);
            json.WriteString("source", flow.Info.Source?.ToString());
            json.WriteString("destination", Text(flow.Info.Destination));
            json.WriteString("target", Text(flow.Target ?? flow.Info.Destination));
            json.WriteNumber("bytesUp", flow.BytesUp);
            json.WriteNumber("bytesDown", flow.BytesDown);
            json.WriteNumber("seconds", Math.Round(flow.Duration.TotalSeconds, 6));
            json.WriteString("end", flow.End.ToString());
            json.WriteEndObject();
        }
        lines.Add(Encoding.UTF8.GetString(buffer.WrittenSpan));
    }

    private static string? Text(EndPoint? end) => end is DnsEndPoint name ? $"{name.Host}:{name.Port}" : end?.ToString();
}
