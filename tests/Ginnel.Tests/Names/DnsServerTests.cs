using System.Buffers.Binary;
using System.Net;
using Ginnel.Wire;

namespace Ginnel.Tests;

/// <summary>The DNS server between an asker and a name server that the test plays.</summary>
public sealed class DnsServerTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Asker — server — upstream, on two networks of their own.</summary>
    private sealed class Stage : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _serving;

        public Stage(int servers = 1, int maxPending = 512, int maxConnections = 64)
        {
            if (servers > 1) Outside.ServerInterface.AddAddress(InterfaceAddress.Parse("10.0.0.3/24"));
            IPEndPoint[] ends = [new(IPAddress.Parse("10.0.0.2"), 53), new(IPAddress.Parse("10.0.0.3"), 53)];
            Upstream = Outside.Server.BindUdp(ends[0]);
            Second = servers > 1 ? Outside.Server.BindUdp(ends[1]) : null;
            Server = new DnsServer(new DnsServerOptions
            {
                Dialer = Outside.Client.Dialer,
                Resolvers = new FixedResolverSource(new ResolverConfiguration(ends[..servers], [], [])),
                Names = new Dictionary<string, IReadOnlyList<IPAddress>> { ["ginnel.internal"] = [IPAddress.Parse("10.0.2.2"), IPAddress.Parse("fd00:2::2")] },
                Zone = "ginnel.internal",
                GivenNames = Given,
                Time = Outside.Time,
                MaxPending = maxPending,
                MaxConnections = maxConnections,
            });
            _serving = Task.WhenAll(
                Server.ServeAsync(Inside.Server.BindUdp(TestNetwork.ServerEnd(53)), _stop.Token),
                Server.ServeAsync(Inside.Server.Listen(TestNetwork.ServerEnd(53)), _stop.Token));
            Asker = Inside.Client.BindUdp(new IPEndPoint(IPAddress.Any, 0));
        }

        public TestNetwork Inside { get; } = new();
        public TestNetwork Outside { get; } = new();
        public GivenNames Given { get; } = new();
        public DnsServer Server { get; }
        public IDatagramPort Upstream { get; }
        public IDatagramPort? Second { get; }
        public IDatagramPort Asker { get; }

        public async Task AskAsync(byte[] query) => Assert.Equal(DialFailureKind.None, (await Asker.SendAsync(query, TestNetwork.ServerEnd(53), Cancel)).Kind);

        public async Task<byte[]> AnswerAsync()
        {
            byte[] buffer = new byte[65_535];
            DatagramItem item = await Asker.ReceiveAsync(buffer, Cancel);
            return buffer[..item.Length];
        }

        /// <summary>The next question that arrives upstream, and who asked.</summary>
        public Task<(byte[] Query, IPEndPoint From)> TakeAsync() => TakeAsync(Upstream);

        public async Task<(byte[] Query, IPEndPoint From)> TakeAsync(IDatagramPort upstream)
        {
            byte[] buffer = new byte[65_535];
            DatagramItem item = await upstream.ReceiveAsync(buffer, Cancel);
            return (buffer[..item.Length], item.Remote);
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _serving;
            await Inside.DisposeAsync();
            await Outside.DisposeAsync();
            _stop.Dispose();
        }
    }

    private static byte[] Query(string name, DnsType type = DnsType.A, ushort id = 7, bool edns = false)
    {
        byte[] buffer = new byte[512];
        DnsWriter writer = new(buffer, new DnsHeader { Id = id, RecursionDesired = true });
        Assert.True(writer.TryAddQuestion(DnsName.Parse(name), type));
        if (edns) writer.TryAddEdns(1232);
        return buffer[..writer.Length];
    }

    private static byte[] Response(byte[] query, string? address = null, DnsResponseCode code = DnsResponseCode.NoError, Func<ushort, ushort>? id = null, string? name = null)
    {
        Assert.Equal(DropReason.None, DnsView.TryParse(query, out DnsView view));
        Assert.True(view.TryGetQuestion(out DnsQuestion question));
        DnsName asked = name is null ? question.Name.ToName() : DnsName.Parse(name);
        byte[] buffer = new byte[512];
        ushort real = view.Header.Id;
        DnsWriter writer = new(buffer, new DnsHeader { Id = id?.Invoke(real) ?? real, IsResponse = true, RecursionAvailable = true, ResponseCode = code });
        writer.TryAddQuestion(asked, question.Type);
        if (address is not null) writer.TryAddAddress(DnsSection.Answer, asked, 60, IpAddress.Parse(address));
        return buffer[..writer.Length];
    }

    private static (DnsResponseCode Code, ushort Id, int Answers) Read(byte[] answer)
    {
        Assert.Equal(DropReason.None, DnsView.TryParse(answer, out DnsView view));
        Assert.True(view.Header.IsResponse);
        return (view.Header.ResponseCode, view.Header.Id, view.AnswerCount);
    }

    [Fact]
    public async Task AQuestionGoesThroughWithAnIdOfItsOwnAndItsAnswerComesBack()
    {
        await using Stage stage = new();
        await stage.AskAsync(Query("www.example", edns: true));
        (byte[] query, IPEndPoint from) = await stage.TakeAsync();
        Assert.Equal(Query("www.example", edns: true)[2..], query[2..]);
        await stage.Upstream.SendAsync(Response(query, "192.0.2.80"), from, Cancel);
        byte[] answer = await stage.AnswerAsync();
        Assert.Equal((DnsResponseCode.NoError, (ushort)7, 1), Read(answer));
        Assert.Equal(["www.example"], stage.Given.NamesOf(IPAddress.Parse("192.0.2.80")));
    }

    [Theory]
    [InlineData("another id")]
    [InlineData("another question")]
    [InlineData("another server")]
    public async Task OnlyTheAnswerThatWasAskedForCounts(string forgery)
    {
        await using Stage stage = new();
        stage.Outside.ServerInterface.AddAddress(InterfaceAddress.Parse("10.0.0.66/24"));
        await using IDatagramPort stranger = stage.Outside.Server.BindUdp(new IPEndPoint(IPAddress.Parse("10.0.0.66"), 53));
        await stage.AskAsync(Query("www.example"));
        (byte[] query, IPEndPoint from) = await stage.TakeAsync();
        byte[] forged = forgery switch
        {
            "another id" => Response(query, "203.0.113.6", id: real => (ushort)(real + 1)),
            "another question" => Response(query, "203.0.113.6", name: "www.example.evil"),
            _ => Response(query, "203.0.113.6"),
        };
        await (forgery == "another server" ? stranger : stage.Upstream).SendAsync(forged, from, Cancel);
        await stage.Upstream.SendAsync(Response(query, "192.0.2.80"), from, Cancel);
        byte[] answer = await stage.AnswerAsync();
        Assert.Equal(1, Read(answer).Answers);
        Assert.Empty(stage.Given.NamesOf(IPAddress.Parse("203.0.113.6")));
        Assert.Equal(["www.example"], stage.Given.NamesOf(IPAddress.Parse("192.0.2.80")));
    }

    [Fact]
    public async Task NoSuchNameAndNoSuchTypeStayApart()
    {
        await using Stage stage = new();
        foreach (DnsResponseCode code in (DnsResponseCode[])[DnsResponseCode.NameError, DnsResponseCode.NoError])
        {
            await stage.AskAsync(Query("www.example"));
            (byte[] query, IPEndPoint from) = await stage.TakeAsync();
            await stage.Upstream.SendAsync(Response(query, code: code), from, Cancel);
            Assert.Equal((code, (ushort)7, 0), Read(await stage.AnswerAsync()));
        }
    }

    [Fact]
    public async Task AServerThatFailsIsFollowedByTheNext()
    {
        await using Stage stage = new(servers: 2);
        await stage.AskAsync(Query("www.example"));
        (byte[] query, IPEndPoint from) = await stage.TakeAsync();
        await stage.Upstream.SendAsync(Response(query, code: DnsResponseCode.ServerFailure), from, Cancel);
        (query, from) = await stage.TakeAsync(stage.Second!);
        await stage.Second!.SendAsync(Response(query, "192.0.2.80"), from, Cancel);
        Assert.Equal((DnsResponseCode.NoError, (ushort)7, 1), Read(await stage.AnswerAsync()));
    }

    [Fact]
    public async Task AnErrorOfEveryServerIsStillTheAnswer()
    {
        await using Stage stage = new();
        await stage.AskAsync(Query("www.example"));
        (byte[] query, IPEndPoint from) = await stage.TakeAsync();
        await stage.Upstream.SendAsync(Response(query, code: DnsResponseCode.Refused), from, Cancel);
        Assert.Equal((DnsResponseCode.Refused, (ushort)7, 0), Read(await stage.AnswerAsync()));
    }

    [Fact]
    public async Task AServerThatIsSilentIsFollowedByTheNext()
    {
        await using Stage stage = new(servers: 2);
        await stage.AskAsync(Query("www.example"));
        await stage.TakeAsync();
        Task<(byte[], IPEndPoint)> second = stage.TakeAsync(stage.Second!);
        // The patience begins some time after the question has left; a few steps are as good as one.
        while (!second.IsCompleted)
        {
            stage.Outside.Time.Advance(DnsForwarder.Patience / 4);
            await Task.Yield();
        }
        await second;
    }

    [Fact]
    public async Task WithoutAServerTheAnswerIsServerFailureAtOnce()
    {
        await using Stage stage = new(servers: 0);
        await stage.AskAsync(Query("www.example"));
        Assert.Equal((DnsResponseCode.ServerFailure, (ushort)7, 0), Read(await stage.AnswerAsync()));
    }

    [Fact]
    public async Task BeyondTheLimitTheAnswerIsServerFailure()
    {
        await using Stage stage = new(maxPending: 1);
        await stage.AskAsync(Query("one.example", id: 1));
        await stage.TakeAsync();
        await stage.AskAsync(Query("two.example", id: 2));
        Assert.Equal((DnsResponseCode.ServerFailure, (ushort)2, 0), Read(await stage.AnswerAsync()));
    }

    [Theory]
    [InlineData("ginnel.internal", DnsType.A, DnsResponseCode.NoError, 1)]
    [InlineData("GINNEL.internal", DnsType.Aaaa, DnsResponseCode.NoError, 1)]
    [InlineData("ginnel.internal", DnsType.Mx, DnsResponseCode.NoError, 0)]
    [InlineData("other.ginnel.internal", DnsType.A, DnsResponseCode.NameError, 0)]
    [InlineData("localhost", DnsType.A, DnsResponseCode.NoError, 1)]
    [InlineData("x.localhost", DnsType.Aaaa, DnsResponseCode.NoError, 1)]
    [InlineData("abc.onion", DnsType.A, DnsResponseCode.NameError, 0)]
    [InlineData("stats.i2p", DnsType.A, DnsResponseCode.NameError, 0)]
    [InlineData("2.2.0.10.in-addr.arpa", DnsType.Ptr, DnsResponseCode.NoError, 1)]
    public async Task NamesOfOurOwnGoNowhere(string name, DnsType type, DnsResponseCode code, int answers)
    {
        await using Stage stage = new(servers: 0);
        await stage.AskAsync(Query(name, type));
        Assert.Equal((code, (ushort)7, answers), Read(await stage.AnswerAsync()));
    }

    [Fact]
    public async Task PrivateNamesAreNotToldToPublicServers()
    {
        DnsForwarder forwarder = new(new DirectDialer(), FixedResolverSource.Of([IPAddress.Parse("192.0.2.53")]), TimeProvider.System, 8);
        Assert.Equal(DnsResponseCode.NoError, DnsQuery.Read(Query("db.corp.internal"), DnsTransport.Udp, out DnsQuery? query));
        byte[] answer = new byte[512];
        int length = await forwarder.AnswerAsync(query!, answer, Cancel);
        Assert.Equal(DnsResponseCode.NameError, Read(answer[..length]).Code);
    }

    [Fact]
    public async Task QuestionsOnOneConnectionAreAnsweredAsTheyCome()
    {
        await using Stage stage = new(servers: 0);
        await using TcpStream stream = await stage.Inside.Client.ConnectAsync(TestNetwork.ServerEnd(53), Cancel);
        byte[] all = [];
        for (ushort id = 1; id <= 5; id++)
        {
            byte[] query = Query("ginnel.internal", id: id);
            all = [.. all, (byte)(query.Length >> 8), (byte)query.Length, .. query];
        }
        await stream.WriteAsync(all, Cancel);
        await stream.CompleteWritesAsync(Cancel);
        HashSet<ushort> seen = [];
        byte[] prefix = new byte[2];
        while (await stream.ReadAtLeastAsync(prefix, 2, throwOnEndOfStream: false, Cancel) == 2)
        {
            byte[] answer = new byte[BinaryPrimitives.ReadUInt16BigEndian(prefix)];
            await stream.ReadExactlyAsync(answer, Cancel);
            seen.Add(Read(answer).Id);
        }
        Assert.Equal(5, seen.Count);
    }

    [Fact]
    public async Task OverTheLimitAConnectionIsRefusedAndAnIdleOneMakesRoom()
    {
        await using Stage stage = new(servers: 0, maxConnections: 1);
        await using TcpStream first = await stage.Inside.Client.ConnectAsync(TestNetwork.ServerEnd(53), Cancel);
        await AskOverTcpAsync(first);
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await using TcpStream second = await stage.Inside.Client.ConnectAsync(TestNetwork.ServerEnd(53), Cancel);
            await AskOverTcpAsync(second);
        });
        Assert.Equal(1, stage.Server.Refused);
        // RFC 7766 section 6.2.3: whoever says nothing for some seconds is let go.
        Task<int> reading = first.ReadAsync(new byte[1], Cancel).AsTask();
        while (!reading.IsCompleted)
        {
            stage.Outside.Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        Assert.Equal(0, await reading);
    }

    private static async Task AskOverTcpAsync(TcpStream stream)
    {
        byte[] query = Query("ginnel.internal"), prefix = new byte[2];
        await stream.WriteAsync((byte[])[(byte)(query.Length >> 8), (byte)query.Length, .. query], Cancel);
        await stream.ReadExactlyAsync(prefix, Cancel);
        await stream.ReadExactlyAsync(new byte[BinaryPrimitives.ReadUInt16BigEndian(prefix)], Cancel);
    }

    [Fact]
    public void WhatIsNoQuestionIsAnErrorOrSilence()
    {
        Assert.Equal(DnsResponseCode.NoError, DnsQuery.Read([1, 2, 3], DnsTransport.Udp, out DnsQuery? query));
        Assert.Null(query);
        byte[] response = Response(Query("www.example"));
        Assert.Equal(DnsResponseCode.NoError, DnsQuery.Read(response, DnsTransport.Udp, out query));
        Assert.Null(query);
        byte[] update = Query("www.example");
        update[2] |= 5 << 3;
        Assert.Equal(DnsResponseCode.NotImplemented, DnsQuery.Read(update, DnsTransport.Udp, out query));
        byte[] cut = Query("www.example");
        Assert.Equal(DnsResponseCode.FormatError, DnsQuery.Read(cut.AsSpan(0, cut.Length - 1), DnsTransport.Udp, out query));
        Assert.Null(query);
    }
}
