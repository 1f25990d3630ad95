namespace Ginnel.Tests;

public sealed class ReceiveBufferTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>A stream's owner says how much may wait for him, and everything arrives all the same.</summary>
    [Fact]
    public async Task A_streams_owner_bounds_what_waits_to_be_read()
    {
        await using TestNetwork network = new();
        (TcpStream client, TcpStream server) = await network.ConnectAsync();
        Assert.Throws<ArgumentOutOfRangeException>(() => server.SetReceiveBuffer(0));
        server.SetReceiveBuffer(8_192);
        byte[] sent = new byte[500_000], received = new byte[sent.Length];
        new Random(1).NextBytes(sent);
        Task writing = client.WriteAsync(sent, Token).AsTask();
        for (int read = 0; read < received.Length;)
        {
            int count = await server.ReadAsync(received.AsMemory(read), Token);
            Assert.NotEqual(0, count);
            read += count;
            // The first window had been offered before.
            if (read > 100_000) Assert.InRange(server.Info.ReceiveWindow, 0, 8_192);
        }
        await writing;
        Assert.Equal(sent, received);
    }
}
