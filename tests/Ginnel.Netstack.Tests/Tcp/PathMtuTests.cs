using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

/// <summary>Paths narrower than the link: told by ICMP (RFC 1191, RFC 8201, RFC 5927) or by nobody (RFC 4821).</summary>
public sealed class PathMtuTests
{
    private static IpAddress Server(bool v4) => v4 ? TcpPair.ServerV4 : TcpPair.ServerV6;

    private static int LongestPacket(TcpPair pair, Packet packet) =>
        packet.Segmentation.Kind == SegmentationKind.None ? packet.Length : packet.Segmentation.SegmentSize + 72;

    /// <summary>Sends so many octets and waits until all have arrived.</summary>
    private static TimeSpan Send(TcpPair pair, SocketId client, SocketId server, int count)
    {
        Instant start = pair.Now;
        byte[] bytes = Build.Bytes(count, 3);
        int written = 0, read = 0;
        bool done = pair.Run(TimeSpan.FromMinutes(2), () =>
        {
            if (written < count) written += pair.Write(pair.Client, client, bytes.AsSpan(written));
            byte[] got = pair.Read(pair.Server, server, out _);
            Assert.True(got.AsSpan().SequenceEqual(bytes.AsSpan(read, got.Length)));
            read += got.Length;
            return read == count;
        });
        Assert.True(done, $"{read} of {count} octets arrived");
        TimeSpan taken = pair.Now - start;
        pair.Run(pair.Delay * 20); // what was acknowledged is known here as well
        return taken;
    }

    private static int Mss(TcpPair pair, SocketId client) => pair.Info(pair.Client, client).SendMss;

    [Theory]
    [InlineData(true, LinkOffloads.None, 1_400)]
    [InlineData(false, LinkOffloads.None, 1_400)]
    [InlineData(true, LinkOffloads.All, 1_300)]
    [InlineData(true, LinkOffloads.None, 600)]
    public void A_path_that_swallows_large_packets_is_lived_with_and_its_width_found(bool v4, LinkOffloads offloads, int width)
    {
        using TcpPair pair = new(offloads: offloads);
        pair.Wire = (_, packet) => new Fate(Lost: LongestPacket(pair, packet) > width);
        (SocketId client, SocketId server) = pair.Establish(to: Server(v4));
        int full = Mss(pair, client);
        Assert.InRange(Send(pair, client, server, 200_000).TotalSeconds, 0, 60);
        Assert.InRange(pair.Client.Counters.PathBlackHoles, 1, 3);
        Assert.InRange(Mss(pair, client), 500, width - 40);
        // Later the sizes in between are tried, each at the price of one packet.
        for (int i = 0; i < 30; i++)
        {
            pair.Run(TimeSpan.FromMinutes(1));
            Send(pair, client, server, 100_000);
        }
        if (width > 1_280) Assert.InRange(Mss(pair, client), width - (v4 ? 40 : 60) - 40, width - (v4 ? 40 : 60));
        // And once the path is wide again, so are the segments.
        pair.Wire = null;
        for (int i = 0; i < 30; i++)
        {
            pair.Run(TimeSpan.FromMinutes(1));
            Send(pair, client, server, 100_000);
        }
        Assert.Equal(full, Mss(pair, client));
    }

    [Fact]
    public void A_probe_that_is_lost_does_not_reduce_the_window()
    {
        using TcpPair pair = new();
        bool isNarrow = true;
        pair.Wire = (_, packet) => new Fate(Lost: isNarrow && packet.Length > 1_400);
        (SocketId client, SocketId server) = pair.Establish();
        Send(pair, client, server, 3_000_000);
        pair.Run(TimeSpan.FromMinutes(11));
        int threshold = pair.Info(pair.Client, client).SlowStartThreshold;
        long timeouts = pair.Client.Counters.RetransmitTimeouts;
        Send(pair, client, server, 200_000);
        Assert.Equal(timeouts, pair.Client.Counters.RetransmitTimeouts);
        Assert.InRange(pair.Info(pair.Client, client).SlowStartThreshold, threshold, int.MaxValue);
        isNarrow = false;
    }

    [Fact]
    public void A_peer_that_is_gone_or_small_segments_that_get_lost_are_no_black_hole()
    {
        using TcpPair pair = new();
        (SocketId client, _) = pair.Establish();
        pair.Wire = (_, _) => new Fate(Lost: true);
        pair.Write(pair.Client, client, Build.Bytes(1_000));
        pair.Run(TimeSpan.FromSeconds(60));
        Assert.Equal(0, pair.Client.Counters.PathBlackHoles);
    }

    [Fact]
    public void Who_does_not_want_it_does_not_get_it()
    {
        using TcpPair pair = new(client: new TcpOptions { PathMtuProbing = false });
        (SocketId client, _) = pair.Establish();
        int full = Mss(pair, client);
        pair.Wire = (toServer, _) => new Fate(Lost: toServer);
        pair.Write(pair.Client, client, Build.Bytes(100_000));
        pair.Run(TimeSpan.FromSeconds(60));
        Assert.Equal((0, full), (pair.Client.Counters.PathBlackHoles, Mss(pair, client)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_a_router_has_told_is_believed_at_once_and_forgotten_after_ten_minutes(bool v4)
    {
        using TcpPair pair = new();
        (SocketId client, SocketId server) = pair.Establish(to: Server(v4));
        int full = Mss(pair, client);
        bool isTold = false;
        pair.Wire = (toServer, packet) =>
        {
            if (!toServer || packet.Length <= 1_400) return default;
            if (!isTold) Tell(pair, packet.Span.ToArray(), v4);
            isTold = true;
            return new Fate(Lost: true);
        };
        Assert.InRange(Send(pair, client, server, 200_000).TotalSeconds, 0, 2);
        Assert.Equal((full - 100, 0), (Mss(pair, client), pair.Client.Counters.PathBlackHoles));
        pair.Wire = null;
        pair.Run(TimeSpan.FromMinutes(9));
        Send(pair, client, server, 10_000);
        Assert.Equal(full - 100, Mss(pair, client));
        pair.Run(TimeSpan.FromMinutes(2));
        Send(pair, client, server, 10_000);
        Assert.Equal(full, Mss(pair, client));
    }

    private static void Tell(TcpPair pair, byte[] packet, bool v4)
    {
        IpAddress router = v4 ? IpAddress.Parse("10.9.9.9") : IpAddress.Parse("fd09::9"), own = v4 ? TcpPair.ClientV4 : TcpPair.ClientV6;
        byte[] error = v4 ? Build.Error(router, own, 3, 4, 1_400, packet[..48]) : Build.Error(router, own, 2, 0, 1_400, packet[..100]);
        Assert.True(pair.Pool.TryRent(PacketPool.SizeFor(error.Length), out Packet rented));
        rented.Write(error);
        PacketQueue batch = default;
        batch.Add(rented);
        pair.Client.Receive(pair.Interface, ref batch, pair.Now);
    }
}
