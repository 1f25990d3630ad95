using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

/// <summary>Neighbor unreachability detection between stacks (RFC 4861 section 7.3, RFC 7048).</summary>
public sealed class ReachabilityTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    /// <summary>Two stations with a connection over which the client writes one octet each second.</summary>
    private sealed class Talk : IDisposable
    {
        private readonly EthernetSegment.Station _client, _server;
        private readonly SocketId _from, _to;

        internal Talk(IpAddress client, IpAddress server)
        {
            (_client, _server) = (Segment.Add(), Segment.Add());
            int length = client.IsV4 ? 24 : 64;
            Assert.Equal(OpStatus.Ok, _client.Stack.AddAddress(_client.Interface, client, length, Segment.Now));
            Assert.Equal(OpStatus.Ok, _server.Stack.AddAddress(_server.Interface, server, length, Segment.Now));
            Segment.Run(5 * Second);
            Assert.Equal(OpStatus.Ok, _server.Stack.Listen(new IpEndpoint(server, 80), 1, out SocketId listener));
            IpEndpoint any = new(client.IsV4 ? IpAddress.AnyV4 : IpAddress.AnyV6, 0);
            Assert.Equal(OpStatus.Ok, _client.Stack.Connect(any, new IpEndpoint(server, 80), Segment.Now, out _from));
            SocketId to = default;
            Assert.True(Segment.Run(Second, () => _server.Stack.Accept(listener, Segment.Now, out to) == OpStatus.Ok));
            _to = to;
            Segment.Wire = (from, frame) =>
            {
                Questions += from == _client && IsQuestion(frame) ? 1 : 0;
                return Wire is null || Wire(frame);
            };
        }

        internal EthernetSegment Segment { get; } = new();
        /// <summary>The client's; the server sends acknowledgments only, which nothing confirms, and asks now and then.</summary>
        internal int Questions { get; private set; }
        internal Func<byte[], bool>? Wire { get; set; }
        internal long Lost => _client.Stack.Counters.NeighborsLost;

        internal void For(int seconds)
        {
            for (int i = 0; i < seconds; i++)
            {
                Assert.Equal(OpStatus.Ok, _client.Stack.TryLeaseWritable(_from, 1, out _));
                Assert.Equal(OpStatus.Ok, _client.Stack.Commit(_from, 1, Segment.Now));
                Segment.Run(Second);
                if (_server.Stack.TryLeaseReadable(_to, out RingLease lease) == OpStatus.Ok) _server.Stack.Consume(_to, lease.Length, Segment.Now);
            }
        }

        public void Dispose() => Segment.Dispose();

        internal static bool IsQuestion(byte[] frame)
        {
            Assert.Equal(DropReason.None, EthernetView.TryParse(frame, out EthernetView ethernet));
            if (ethernet.Type == EtherType.Arp) return ethernet.Payload[7] == (byte)ArpOperation.Request;
            return ethernet.Type == EtherType.IpV6 && ethernet.Payload[6] == (byte)IpProtocol.IcmpV6
                && ethernet.Payload[40] == (byte)IcmpV6Type.NeighborSolicitation;
        }
    }

    public static TheoryData<string, string> Families => new() { { "10.1.0.1", "10.1.0.2" }, { "fd01::1", "fd01::2" } };

    [Theory]
    [MemberData(nameof(Families))]
    public void While_a_connection_makes_progress_its_neighbor_is_not_probed(string client, string server)
    {
        using Talk talk = new(IpAddress.Parse(client), IpAddress.Parse(server));
        talk.For(300);
        Assert.Equal(0, talk.Questions);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void A_neighbor_that_answers_no_question_is_lost_and_comes_back_with_progress(string client, string server)
    {
        using Talk talk = new(IpAddress.Parse(client), IpAddress.Parse(server));
        talk.Wire = _ => false;
        talk.For(60);
        Assert.Equal(1, talk.Lost);
        int asked = talk.Questions;
        talk.For(20);
        Assert.InRange(talk.Questions - asked, 0, 3);
        // Only what the kept address carries comes through: the connection itself proves that the neighbor is there.
        talk.Wire = frame => !Talk.IsQuestion(frame);
        talk.For(75);
        asked = talk.Questions;
        talk.For(15);
        Assert.Equal((1, asked), (talk.Lost, talk.Questions));
    }
}
