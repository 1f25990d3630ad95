using System.Buffers.Binary;
using Ginnel.Wire;

namespace Ginnel.Tests;

public sealed class TrafficClassTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task RFC9293_MUST_48_a_streams_owner_chooses_the_differentiated_services()
    {
        string path = Path.Combine(Path.GetTempPath(), $"ginnel-{Guid.NewGuid():N}.pcapng");
        try
        {
            using (CaptureFile file = new(path)) await TalkAsync(file);
            List<byte> classes = [];
            foreach (byte[] packet in Packets(await File.ReadAllBytesAsync(path, Token)))
            {
                Assert.Equal(DropReason.None, IpView.TryParse(packet, out IpView ip));
                bool isData = ip.Source == IpAddress.Parse("10.0.0.1") && ip.Payload.Length > 20 && ip.Payload[^1] == (byte)'9';
                if (isData) classes.Add(ip.TrafficClass);
            }
            Assert.Equal([0, 0xB8], classes);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static async Task TalkAsync(CaptureFile file)
    {
        await using TestNetwork network = new();
        await network.CaptureAsync(file);
        (TcpStream client, TcpStream server) = await network.ConnectAsync();
        await client.WriteAsync("9"u8.ToArray(), Token);
        await server.ReadExactlyAsync(new byte[1], Token);
        client.SetTrafficClass(0xBA);
        await client.WriteAsync("9"u8.ToArray(), Token);
        await server.ReadExactlyAsync(new byte[1], Token);
    }

    // Enhanced packet blocks of pcapng: type 6, lengths, interface, time, captured and original length, then the packet.
    private static IEnumerable<byte[]> Packets(byte[] file)
    {
        for (int at = 0; at < file.Length; at += BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(at + 4)))
        {
            if (BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(at)) != 6) continue;
            int length = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(at + 20));
            yield return file[(at + 28)..(at + 28 + length)];
        }
    }
}
