using System.Text.Json;

namespace Ginnel.Services.Status;

/// <summary>The page for programs. Spans are seconds, sizes are bytes.</summary>
internal static class StatusJson
{
    public static byte[] Write(StatusSnapshot snapshot)
    {
        using MemoryStream stream = new();
        // Written by hand: a serializer would build its reflection for one page.
        using (Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("version", snapshot.Version);
            json.WriteNumber("uptime", Math.Round(snapshot.Uptime.TotalSeconds, 3));
            json.WriteStartObject("network");
            foreach (StatusLine line in snapshot.Network)
            {
                json.WriteStartArray(line.Key);
                foreach (string value in line.Values) json.WriteStringValue(value);
                json.WriteEndArray();
            }
            json.WriteEndObject();
            json.WriteNumber("endedFlows", snapshot.EndedFlows);
            json.WriteNumber("bytesUp", snapshot.BytesUp);
            json.WriteNumber("bytesDown", snapshot.BytesDown);
            json.WriteStartArray("flows");
            foreach (StatusFlow flow in snapshot.Flows) Write(json, flow);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return [.. stream.ToArray(), (byte)'\n'];
    }

    private static void Write(Utf8JsonWriter json, StatusFlow flow)
    {
        json.WriteStartObject();
        json.WriteNumber("id", flow.Id);
        json.WriteString("protocol", flow.Protocol);
        if (flow.Source is not null) json.WriteString("source", flow.Source);
        if (flow.Destination is not null) json.WriteString("destination", flow.Destination);
        if (flow.Name is not null) json.WriteString("name", flow.Name);
        json.WriteNumber("bytesUp", flow.BytesUp);
        json.WriteNumber("bytesDown", flow.BytesDown);
        json.WriteNumber("age", Math.Round(flow.Age.TotalSeconds, 3));
        json.WriteEndObject();
    }
}
