using System.Net;

namespace Ginnel.Tests;

public sealed class DatagramListenerTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_source_has_a_port_of_its_own_that_answers_it_alone()
    {
        await using TestNetwork network = new();
        await using DatagramListener listener = new(network.Server.BindUdp(new IPEndPoint(IPAddress.Any, 53)));
        await using IDatagramPort first = network.Client.BindUdp(new IPEndPoint(IPAddress.Any, 0));
        await using IDatagramPort second = network.Client.BindUdp(new IPEndPoint(IPAddress.Any, 0));
        byte[] buffer = new byte[10];
        await first.SendAsync("1"u8.ToArray(), TestNetwork.ServerEnd(53), Token);
        IDatagramPort one = await (await listener.AcceptPortAsync(Token))!.AcceptAsync(Token);
        await second.SendAsync("2"u8.ToArray(), TestNetwork.ServerEnd(53), Token);
        IDatagramPort two = await (await listener.AcceptPortAsync(Token))!.AcceptAsync(Token);
        Assert.Equal(1, (await one.ReceiveAsync(buffer, Token)).Length);
        Assert.Equal((byte)'1', buffer[0]);
        Assert.Equal(1, (await two.ReceiveAsync(buffer, Token)).Length);
        Assert.Equal((byte)'2', buffer[0]);
        await two.SendAsync("answer"u8.ToArray(), TestNetwork.ServerEnd(53), Token);
        Assert.Equal(6, (await second.ReceiveAsync(buffer, Token)).Length);
        await listener.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await one.ReceiveAsync(buffer, Token));
        Assert.Null(await listener.AcceptPortAsync(Token));
    }

    [Fact]
    public async Task Behind_a_full_listener_the_relay_makes_room_for_new_sources()
    {
        await using TestNetwork network = new();
        await using DatagramListener listener = new(network.Server.BindUdp(new IPEndPoint(IPAddress.Any, 53)), new DatagramListenerOptions { MaxSources = 8 });
        using CancellationTokenSource stop = new();
        DatagramRelay relay = new(listener, network.Server.Dialer, new RelayOptions { Target = _ => TestNetwork.ServerEnd(54) });
        Task relaying = relay.RunAsync(stop.Token);
        for (int i = 0; i < 20; i++)
        {
            await using IDatagramPort source = network.Client.BindUdp(new IPEndPoint(IPAddress.Any, 0));
            int port = source.LocalEndPoint!.Port;
            await source.SendAsync(new byte[1], TestNetwork.ServerEnd(53), Token);
            while (!relay.Flows.Live.Any(flow => flow.Info.Source!.Port == port)) await Task.Yield();
            while (relay.PortCount > 7) await Task.Yield();
        }
        Assert.Equal((13L, 0L, 0L), (relay.DisplacedCount, relay.LimitedCount, listener.DroppedCount));
        await stop.CancelAsync();
        await relaying;
    }

    [Fact]
    public async Task Sources_and_bytes_are_bounded_and_counted()
    {
        await using TestNetwork network = new();
        await using DatagramListener listener = new(network.Server.BindUdp(new IPEndPoint(IPAddress.Any, 53)), new DatagramListenerOptions { MaxSources = 1, BytesPerSource = 100 });
        await using IDatagramPort first = network.Client.BindUdp(new IPEndPoint(IPAddress.Any, 0));
        await using IDatagramPort second = network.Client.BindUdp(new IPEndPoint(IPAddress.Any, 0));
        await first.SendAsync(new byte[50], TestNetwork.ServerEnd(53), Token);
        IPendingPort pending = (await listener.AcceptPortAsync(Token))!;
        await first.SendAsync(new byte[50], TestNetwork.ServerEnd(53), Token);
        await second.SendAsync(new byte[1], TestNetwork.ServerEnd(53), Token);
        while (listener.DroppedCount < 2) await Task.Yield();
        // With the one source gone there is room for the other.
        pending.Reject(new DialFailure(DialFailureKind.Denied));
        await second.SendAsync(new byte[1], TestNetwork.ServerEnd(53), Token);
        Assert.Equal(second.LocalEndPoint!.Port, (await listener.AcceptPortAsync(Token))!.Source.Port);
    }
}
