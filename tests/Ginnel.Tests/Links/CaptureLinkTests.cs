using System.Buffers.Binary;

namespace Ginnel.Tests;

public sealed class CaptureLinkTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Both_directions_are_recorded_in_a_file_for_its_owner_alone()
    {
        string path = Path.Combine(Path.GetTempPath(), $"ginnel-{Guid.NewGuid():N}.pcapng");
        try
        {
            using (CaptureFile file = new(path)) await TalkAsync(file);
            if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
            List<uint> blocks = Blocks(await File.ReadAllBytesAsync(path, Token));
            Assert.Equal([0x0A0D_0D0Au, 1u], blocks[..2]);
            // SYN, SYN-ACK, ACK with or before the byte, and what acknowledges it.
            Assert.True(blocks.Count(type => type == 6) >= 4);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task A_full_capture_counts_what_it_misses_and_stops_no_traffic()
    {
        string path = Path.Combine(Path.GetTempPath(), $"ginnel-{Guid.NewGuid():N}.pcapng");
        try
        {
            using CaptureFile file = new(path, maxBytes: 150);
            await TalkAsync(file);
            Assert.True(file.MissedCount > 0);
            Assert.True(new FileInfo(path).Length <= 300);
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
        await client.WriteAsync(new byte[10], Token);
        await server.ReadExactlyAsync(new byte[10], Token);
        await server.WriteAsync(new byte[10], Token);
        await client.ReadExactlyAsync(new byte[10], Token);
    }

    private static List<uint> Blocks(ReadOnlySpan<byte> bytes)
    {
        List<uint> types = [];
        while (!bytes.IsEmpty)
        {
            types.Add(BinaryPrimitives.ReadUInt32LittleEndian(bytes));
            bytes = bytes[(int)BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..])..];
        }
        return types;
    }
}
