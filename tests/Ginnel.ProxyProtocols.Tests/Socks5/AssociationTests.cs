using System.Net;
using Ginnel.Testing;

namespace Ginnel.ProxyProtocols.Tests.Socks5;

public sealed class AssociationTests
{
    private static readonly byte[] Associate = [5, 3, 0, 1, 0, 0, 0, 0, 0, 0];
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task G1_one_association_serves_many_targets_with_the_exact_header()
    {
        await using Association at = await Association.OpenAsync(Associate);
        Assert.Equal(IPEndPoint.Parse("192.0.2.10:0"), at.Pending.Source);
        Assert.Null(at.Pending.Flow.Destination);
        at.Outer.Arrive("192.0.2.10:7000", [0, 0, 0, 1, 203, 0, 113, 1, 0, 53, 9]);
        at.Outer.Arrive("192.0.2.10:7000", [0, 0, 0, 4, 32, 1, 13, 184, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 53, 8, 7]);
        byte[] buffer = new byte[100];
        DatagramItem first = await at.Port.ReceiveAsync(buffer, Token);
        Assert.Equal((1, IPEndPoint.Parse("203.0.113.1:53"), 9), (first.Length, first.Remote, buffer[0]));
        DatagramItem second = await at.Port.ReceiveAsync(buffer, Token);
        Assert.Equal((2, IPEndPoint.Parse("[2001:db8::1]:53"), 8), (second.Length, second.Remote, buffer[0]));
        await at.Port.SendAsync(new byte[] { 1, 2 }, IPEndPoint.Parse("203.0.113.1:53"), Token);
        (IPEndPoint to, byte[] datagram) = await at.Outer.SentAsync();
        Assert.Equal("192.0.2.10:7000", to.ToString());
        Assert.Equal(new byte[] { 0, 0, 0, 1, 203, 0, 113, 1, 0, 53, 1, 2 }, datagram);
        await at.Port.SendAsync(new byte[] { 3 }, IPEndPoint.Parse("[2001:db8::1]:53"), Token);
        Assert.Equal(new byte[] { 0, 0, 0, 4, 32, 1, 13, 184, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 53, 3 }, (await at.Outer.SentAsync()).Datagram);
    }

    [Fact]
    public async Task G1_fragments_strangers_and_nonsense_are_dropped_and_counted()
    {
        await using Association at = await Association.OpenAsync(Associate);
        at.Outer.Arrive("192.0.2.99:7000", [0, 0, 0, 1, 203, 0, 113, 1, 0, 53, 1]);
        at.Outer.Arrive("192.0.2.10:7000", [0, 0, 1, 1, 203, 0, 113, 1, 0, 53, 2]);
        at.Outer.Arrive("192.0.2.10:7000", [0, 1, 0, 1, 203, 0, 113, 1, 0, 53, 3]);
        at.Outer.Arrive("192.0.2.10:7000", [0, 0, 0, 1, 203]);
        at.Outer.Arrive("192.0.2.10:7000");
        at.Outer.Arrive("192.0.2.10:7000", [0, 0, 0, 1, 203, 0, 113, 1, 0, 53, 6]);
        // Once a port has spoken, no other of the same address may.
        at.Outer.Arrive("192.0.2.10:7001", [0, 0, 0, 1, 203, 0, 113, 1, 0, 53, 7]);
        at.Outer.Arrive("192.0.2.10:7000", [0, 0, 0, 1, 203, 0, 113, 1, 0, 53, 8]);
        byte[] buffer = new byte[100];
        await at.Port.ReceiveAsync(buffer, Token);
        Assert.Equal(6, buffer[0]);
        await at.Port.ReceiveAsync(buffer, Token);
        Assert.Equal(8, buffer[0]);
        ProxyIncidents incidents = at.Proxy.Listener.Incidents;
        Assert.Equal((2L, 1L, 3L), (incidents[ProxyIncident.DatagramStranger], incidents[ProxyIncident.DatagramFragment], incidents[ProxyIncident.DatagramMalformed]));
    }

    [Fact]
    public async Task A_receive_that_finds_nothing_for_the_relay_gives_the_batch_back_empty()
    {
        await using Association at = await Association.OpenAsync(Associate);
        at.Outer.Arrive("192.0.2.99:7000", [0, 0, 0, 1, 203, 0, 113, 1, 0, 53, 1]);
        at.Outer.Arrive("192.0.2.10:7000", [0, 0, 0, 1, 203, 0, 113, 1, 0, 53, 6]);
        DatagramBatch batch = DatagramBatch.Rent();
        await at.Port.ReceiveAsync(batch, Token);
        Assert.Equal(0, batch.Count);
        await at.Port.ReceiveAsync(batch, Token);
        Assert.Equal((1, IPEndPoint.Parse("203.0.113.1:53")), (batch.Count, batch[0].Remote));
        Assert.Equal([6], batch.PayloadOf(0).ToArray());
        batch.Return();
    }

    [Fact]
    public async Task G2_nobody_but_the_controlling_address_is_served_whatever_the_request_names()
    {
        await using Association at = await Association.OpenAsync([5, 3, 0, 1, 198, 51, 100, 1, 27, 88]);
        Assert.Equal(IPEndPoint.Parse("192.0.2.10:7000"), at.Pending.Source);
        at.Outer.Arrive("198.51.100.1:7000", [0, 0, 0, 1, 203, 0, 113, 1, 0, 53, 1]);
        at.Outer.Arrive("192.0.2.10:7001", [0, 0, 0, 1, 203, 0, 113, 1, 0, 53, 2]);
        at.Outer.Arrive("192.0.2.10:7000", [0, 0, 0, 1, 203, 0, 113, 1, 0, 53, 3]);
        byte[] buffer = new byte[100];
        await at.Port.ReceiveAsync(buffer, Token);
        Assert.Equal(3, buffer[0]);
        Assert.Equal(2, at.Proxy.Listener.Incidents[ProxyIncident.DatagramStranger]);
    }

    [Fact]
    public async Task G1_an_association_dies_with_its_connection()
    {
        await using Association at = await Association.OpenAsync(Associate);
        Assert.Equal(1, at.Proxy.Listener.AssociationCount);
        ValueTask<DatagramItem> receiving = at.Port.ReceiveAsync(new byte[100], Token);
        await at.Client.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await receiving);
        await Socks5Proxy.UntilAsync(() => at.Proxy.Listener.AssociationCount == 0);
        Assert.True(at.Outer.IsClosed);
    }

    [Fact]
    public async Task A_port_that_the_relay_closes_closes_its_connection()
    {
        await using Association at = await Association.OpenAsync(Associate);
        await at.Port.DisposeAsync();
        Assert.Empty(await at.Client.HearAllAsync());
    }

    [Fact]
    public async Task A_name_is_resolved_while_other_datagrams_go_on()
    {
        TestNames names = new();
        await using Association at = await Association.OpenAsync(Associate, names);
        at.Outer.Arrive("192.0.2.10:7000", [0, 0, 0, 3, 1, (byte)'a', 0, 53, 1]);
        at.Outer.Arrive("192.0.2.10:7000", [0, 0, 0, 1, 203, 0, 113, 1, 0, 53, 2]);
        byte[] buffer = new byte[100];
        await at.Port.ReceiveAsync(buffer, Token);
        Assert.Equal(2, buffer[0]);
        ValueTask<DatagramItem> receiving = at.Port.ReceiveAsync(buffer, Token);
        names.Answer.SetResult(new NameResult([IPAddress.Parse("203.0.113.9")]));
        Assert.Equal(IPEndPoint.Parse("203.0.113.9:53"), (await receiving).Remote);
        Assert.Equal(1, buffer[0]);
        // Known now: at once, and without a question.
        at.Outer.Arrive("192.0.2.10:7000", [0, 0, 0, 3, 1, (byte)'A', 0, 53, 3]);
        await at.Port.ReceiveAsync(buffer, Token);
        Assert.Equal((3, 1), (buffer[0], names.Questions));
    }

    [Fact]
    public async Task A_name_without_an_address_drops_its_datagrams()
    {
        TestNames names = new();
        names.Answer.SetResult(NameResult.NotFound("a"));
        await using Association at = await Association.OpenAsync(Associate, names);
        ValueTask<DatagramItem> receiving = at.Port.ReceiveAsync(new byte[100], Token);
        at.Outer.Arrive("192.0.2.10:7000", [0, 0, 0, 3, 1, (byte)'a', 0, 53, 1]);
        await Socks5Proxy.UntilAsync(() => at.Proxy.Listener.Incidents[ProxyIncident.DatagramUnresolved] == 1);
        at.Outer.Arrive("192.0.2.10:7000", [0, 0, 0, 3, 1, (byte)'a', 0, 53, 2]);
        at.Outer.Arrive("192.0.2.10:7000", [0, 0, 0, 1, 203, 0, 113, 1, 0, 53, 2]);
        Assert.Equal(IPEndPoint.Parse("203.0.113.1:53"), (await receiving).Remote);
        Assert.Equal((2, 1), (at.Proxy.Listener.Incidents[ProxyIncident.DatagramUnresolved], names.Questions));
    }

    private sealed class TestNames : INameResolver
    {
        internal TaskCompletionSource<NameResult> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal int Questions { get; private set; }

        public ValueTask<NameResult> ResolveAsync(string name, CancellationToken cancellationToken = default)
        {
            Questions++;
            return new ValueTask<NameResult>(Answer.Task.WaitAsync(cancellationToken));
        }
    }

    private sealed record Association(Socks5Proxy Proxy, TestClient Client, TestPort Outer, IPendingPort Pending, IDatagramPort Port) : IAsyncDisposable
    {
        internal static async Task<Association> OpenAsync(byte[] request, INameResolver? resolver = null)
        {
            TestPort? outer = null;
            Socks5Proxy proxy = new(time => new Socks5Options
            {
                Time = time,
                Resolver = resolver,
                BindDatagrams = local => BindResult.Bound(outer = new TestPort(new IPEndPoint(local.Address, 9_999))),
            });
            TestClient client = await proxy.GreetAsync();
            await client.SayAsync(request);
            IPendingPort pending = (await proxy.Listener.AcceptPortAsync(Token))!;
            IDatagramPort port = await pending.AcceptAsync(Token);
            // The address that the client's connection reached.
            Assert.Equal(new byte[] { 5, 0, 0, 1, 192, 0, 2, 1, 0x27, 0x0F }, await client.HearAsync(10));
            return new Association(proxy, client, outer!, pending, port);
        }

        public async ValueTask DisposeAsync()
        {
            await Client.DisposeAsync();
            await Proxy.DisposeAsync();
        }
    }
}
