using System.Text.Json.Nodes;

namespace Ginnel.Wire.Tests;

/// <summary>Level 5: the wire forms that RFCs print.</summary>
public sealed class DnsVectorTests
{
    private static readonly JsonNode Vectors = JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "vectors", "dns.json")))!;

    [Fact]
    public void ServiceBindingsOfRfc9460AreRead()
    {
        foreach (JsonNode? vector in Vectors["serviceBindings"]!.AsArray())
        {
            byte[] data = Hex(vector!["data"]!), buffer = new byte[600];
            DnsWriter writer = new(buffer, default);
            Assert.True(writer.TryAddRecord(DnsSection.Answer, DnsName.Root, (DnsType)(int)vector["type"]!, DnsClass.In, 1, data));
            Assert.Equal(DropReason.None, DnsView.TryParse(buffer.AsSpan(0, writer.Length), out DnsView view));
            foreach (DnsRecord record in view.Records) Assert.Equal((string)vector["text"]!, DnsMessageTests.Describe(record));
        }
    }

    [Fact]
    public void CompressedNamesOfRfc1035AreRead()
    {
        byte[] message = new byte[93];
        foreach (JsonNode? part in Vectors["compression"]!["parts"]!.AsArray()) Hex(part!["bytes"]!).CopyTo(message, (int)part["at"]!);
        foreach (JsonNode? expected in Vectors["compression"]!["names"]!.AsArray())
        {
            int at = (int)expected!["at"]!;
            Assert.True(DnsNameView.TryRead(message, at, message.Length, compressed: true, out _, out DnsNameView name));
            Assert.Equal((string)expected["name"]!, name.ToString());
        }
        Assert.False(DnsNameView.TryRead(message, 40, message.Length, compressed: false, out _, out _));
    }

    private static byte[] Hex(JsonNode text) => Convert.FromHexString(text.GetValue<string>().Replace(" ", "", StringComparison.Ordinal));
}
