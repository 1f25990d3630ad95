using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Ginnel.Tests;

public sealed class NetworkHostTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_connection_carries_bytes_both_ways_and_closes_from_both_sides()
    {
        await using TestNetwork network = new();
        (TcpStream client, TcpStream server) = await network.ConnectAsync();
        await client.WriteAsync("ping"u8.ToArray(), Token);
        byte[] buffer = new byte[16];
        Assert.Equal(4, await server.ReadAsync(buffer, Token));
        await server.WriteAsync(buffer.AsMemory(0, 4), Token);
        Assert.Equal(4, await client.ReadAsync(buffer, Token));
        Assert.Equal("ping"u8.ToArray(), buffer[..4]);
        await client.CompleteWritesAsync(Token);
        Assert.Equal(0, await server.ReadAsync(buffer, Token));
        await server.WriteAsync("late"u8.ToArray(), Token);
        await server.DisposeAsync();
        await client.ReadExactlyAsync(buffer.AsMemory(0, 4), Token);
        Assert.Equal(0, await client.ReadAsync(buffer, Token));
    }

    [Fact]
    public async Task A_refused_connection_is_a_socket_exception_with_its_code()
    {
        await using TestNetwork network = new();
        SocketException exception = await Assert.ThrowsAnyAsync<SocketException>(async () => await network.Client.ConnectAsync(TestNetwork.ServerEnd(81), Token));
        Assert.Equal(SocketError.ConnectionRefused, exception.SocketErrorCode);
    }

    [Theory]
    [InlineData(1 << 16)]
    [InlineData(10 << 20)]
    public async Task A_transfer_arrives_whole(int length)
    {
        await using TestNetwork network = new();
        (TcpStream client, TcpStream server) = await network.ConnectAsync();
        byte[] sent = RandomNumberGenerator.GetBytes(length);
        Task write = Task.Run(async () =>
        {
            await client.WriteAsync(sent, Token);
            await client.CompleteWritesAsync(Token);
        }, Token);
        using MemoryStream received = new();
        await server.CopyToAsync(received, Token);
        await write;
        Assert.Equal(SHA256.HashData(sent), SHA256.HashData(received.ToArray()));
    }

    [Fact]
    public async Task Datagrams_and_errors_about_them_come_as_items()
    {
        await using TestNetwork network = new();
        await using IDatagramPort server = network.Server.BindUdp(new IPEndPoint(IPAddress.Any, 53));
        await using IDatagramPort client = network.Client.BindUdp(new IPEndPoint(IPAddress.Any, 0));
        byte[] buffer = new byte[100];
        Assert.Equal(default, await client.SendAsync("question"u8.ToArray(), TestNetwork.ServerEnd(53), Token));
        DatagramItem asked = await server.ReceiveAsync(buffer, Token);
        Assert.Equal("question"u8.ToArray(), buffer[..asked.Length]);
        await server.SendAsync("answer"u8.ToArray(), asked.Remote, Token);
        DatagramItem answered = await client.ReceiveAsync(buffer, Token);
        Assert.Equal((6, TestNetwork.ServerEnd(53)), (answered.Length, answered.Remote));
        await client.SendAsync("lost"u8.ToArray(), TestNetwork.ServerEnd(54), Token);
        DatagramItem refused = await client.ReceiveAsync(buffer, Token);
        Assert.Equal((DialFailureKind.Refused, TestNetwork.ServerEnd(54)), (refused.Failure.Kind, refused.Remote));
    }

    [Fact]
    public async Task Echo_requests_are_answered_by_the_other_host()
    {
        await using TestNetwork network = new();
        await using IDatagramPort port = network.Client.BindEcho(new IPEndPoint(IPAddress.Any, 0));
        await port.SendAsync(new byte[] { 0, 7, 1, 2, 3 }, TestNetwork.ServerEnd(0), Token);
        byte[] buffer = new byte[100];
        DatagramItem reply = await port.ReceiveAsync(buffer, Token);
        Assert.Equal(new byte[] { 0, 7, 1, 2, 3 }, buffer[..reply.Length]);
    }
}
