using System.Buffers.Binary;
using System.Security.Cryptography;
using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel.Tests;

public sealed class StreamLinkTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(StreamFraming.UInt32, new byte[] { 0x7F, 0, 0, 0 }, "announces 2130706432 bytes")]
    [InlineData(StreamFraming.UInt16, new byte[] { 0x08, 0 }, "announces 2048 bytes")]
    [InlineData(StreamFraming.UInt32, new byte[] { 0, 0, 0, 9, 1, 2 }, "ended inside a frame, after 6 bytes")]
    [InlineData(StreamFraming.UInt32, new byte[] { 0, 0 }, "ended inside a frame, after 2 bytes")]
    public async Task Lost_framing_ends_the_link_and_says_so(StreamFraming framing, byte[] bytes, string message)
    {
        await using TestNetwork carrier = new();
        await using TestNetwork network = new();
        (TcpStream near, TcpStream far) = await carrier.ConnectAsync();
        await network.Client.DetachAsync(network.ClientInterface);
        LinkAttachment attachment = network.Client.Attach(network.ClientInterface, new StreamLink(near, new StreamLinkOptions { Framing = framing, MaxFrame = 1600 }));
        await far.WriteAsync(bytes, Token);
        await far.CompleteWritesAsync(Token);
        IOException exception = await Assert.ThrowsAsync<IOException>(() => attachment.Completion);
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stream_that_ends_between_frames_ends_the_link_in_peace()
    {
        await using TestNetwork carrier = new();
        await using TestNetwork network = new();
        (TcpStream near, TcpStream far) = await carrier.ConnectAsync();
        await network.Client.DetachAsync(network.ClientInterface);
        LinkAttachment attachment = network.Client.Attach(network.ClientInterface, new StreamLink(near));
        await far.WriteAsync(new byte[] { 0, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3 }, Token);
        await far.CompleteWritesAsync(Token);
        await attachment.Completion;
    }

    [Fact]
    public async Task A_peer_that_reads_nothing_bounds_what_waits()
    {
        await using TestNetwork carrier = new();
        await using TestNetwork network = new();
        (TcpStream near, _) = await carrier.ConnectAsync();
        await network.Client.DetachAsync(network.ClientInterface);
        StreamLink link = new(near, new StreamLinkOptions { SendQueueBytes = 10_000 });
        network.Client.Attach(network.ClientInterface, link);
        await using IDatagramPort port = network.Client.BindUdp(new System.Net.IPEndPoint(System.Net.IPAddress.Any, 0));
        for (int i = 0; i < 20_000; i++) await port.SendAsync(new byte[1000], TestNetwork.ServerEnd(9), Token);
        // The carrier's buffers, the link's queue and the stack's own are full; the pool holds no more than they do.
        Assert.InRange(network.Runtime.Pool.Rented, 1, 3_000);
    }

    [Fact]
    public async Task Disposing_ends_a_link_whose_stream_blocks_for_ever()
    {
        await using TestNetwork network = new();
        await network.Client.DetachAsync(network.ClientInterface);
        using BlockingStream stream = new();
        LinkAttachment attachment = network.Client.Attach(network.ClientInterface, new StreamLink(stream, new StreamLinkOptions { OwnsStream = false }));
        await stream.Entered.WaitAsync(Token);
        await attachment.DisposeAsync();
        await attachment.Completion;
        stream.Release();
    }

    [Fact]
    public async Task A_stream_that_fails_in_an_unforeseen_way_ends_the_link_and_says_so()
    {
        await using TestNetwork network = new();
        await network.Client.DetachAsync(network.ClientInterface);
        using UnwritableStream stream = new();
        LinkAttachment attachment = network.Client.Attach(network.ClientInterface, new StreamLink(stream, new StreamLinkOptions { OwnsStream = false }));
        await using IDatagramPort port = network.Client.BindUdp(new System.Net.IPEndPoint(System.Net.IPAddress.Any, 0));
        await port.SendAsync(new byte[10], TestNetwork.ServerEnd(9), Token);
        IOException exception = await Assert.ThrowsAsync<IOException>(() => attachment.Completion.WaitAsync(Token));
        Assert.Contains("no writing here", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(LinkMedium.Ip)]
    [InlineData(LinkMedium.Ethernet)]
    public async Task A_transfer_is_cut_to_the_mtu_on_the_stream_and_joined_before_the_stack(LinkMedium medium)
    {
        await using TestNetwork carrier = new();
        await using TestNetwork network = new();
        (TcpStream near, TcpStream far) = await carrier.ConnectAsync();
        await network.Client.DetachAsync(network.ClientInterface);
        await network.ServerLink.Completion;
        StreamLinkOptions options = new() { Medium = medium };
        await using FrameSpy frames = new(near, medium == LinkMedium.Ethernet ? EthernetHeader.Size : 0);
        network.Client.Attach(network.ClientInterface, new StreamLink(frames, options));
        ArrivalSpy arrivals = new(new StreamLink(far, options));
        network.Server.Attach(network.ServerInterface, arrivals);
        (TcpStream client, TcpStream server) = await network.ConnectAsync();
        byte[] sent = RandomNumberGenerator.GetBytes(2_000_000), received = new byte[sent.Length];
        Task writing = client.WriteAsync(sent, Token).AsTask();
        await server.ReadExactlyAsync(received, Token);
        await writing;
        Assert.True(sent.AsSpan().SequenceEqual(received));
        Assert.Null(frames.Fault);
        Assert.InRange(frames.Longest, 1, 1500 + (medium == LinkMedium.Ethernet ? EthernetHeader.Size : 0));
        Assert.True(arrivals.SuperSegments > 0, "nothing was joined");
    }

    [Fact]
    public async Task What_a_stopped_link_was_cutting_goes_back_to_the_pool()
    {
        await using TestNetwork carrier = new();
        await using TestNetwork network = new();
        (TcpStream near, TcpStream far) = await carrier.ConnectAsync();
        await network.Client.DetachAsync(network.ClientInterface);
        await network.ServerLink.Completion;
        LinkAttachment attachment = network.Client.Attach(network.ClientInterface, new StreamLink(near));
        network.Server.Attach(network.ServerInterface, new StreamLink(far));
        (TcpStream client, TcpStream server) = await network.ConnectAsync();
        // Nobody reads: windows, the carrier and the link fill up.
        Task writing = client.WriteAsync(new byte[8_000_000], Token).AsTask();
        await server.ReadExactlyAsync(new byte[1], Token);
        await attachment.DisposeAsync();
        client.Abort();
        await Assert.ThrowsAnyAsync<IOException>(() => writing);
        await network.DisposeAsync();
        await carrier.DisposeAsync();
        Assert.Equal(0, network.Runtime.Pool.Rented);
    }

    /// <summary>Looks at every frame that is written, as a machine on the other end would see it.</summary>
    private sealed class FrameSpy(Stream inner, int ipOffset) : Stream
    {
        private readonly PacketPool _pool = new();

        internal int Longest { get; private set; }
        internal string? Fault { get; private set; }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            ReadOnlySpan<byte> rest = buffer.Span;
            while (!rest.IsEmpty)
            {
                int length = BinaryPrimitives.ReadInt32BigEndian(rest);
                Judge(rest.Slice(4, length));
                rest = rest[(4 + length)..];
            }
            return inner.WriteAsync(buffer, cancellationToken);
        }

        private void Judge(ReadOnlySpan<byte> frame)
        {
            Longest = Math.Max(Longest, frame.Length);
            _pool.TryRent(PacketPool.SizeFor(frame.Length), out Packet packet);
            packet.Write(frame);
            bool isIp = ipOffset == 0 || frame[12] != 0x08 || frame[13] != 0x06;
            if (isIp && PacketChecksum.Verify(packet, ipOffset) is not DropReason.None and var reason) Fault ??= $"{reason}: {Convert.ToHexString(frame)}";
            packet.Return();
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => inner.ReadAsync(buffer, cancellationToken);
        public override bool CanRead => true;
        public override bool CanWrite => true;
        public override bool CanSeek => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Flush() { }
        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    /// <summary>Counts the super-segments that a link delivers.</summary>
    private sealed class ArrivalSpy(ILink inner) : ILink
    {
        private int _superSegments;

        internal int SuperSegments => Volatile.Read(ref _superSegments);
        public LinkProperties Properties => inner.Properties;
        public Task RunAsync(ILinkSink sink, CancellationToken cancellationToken) => inner.RunAsync(new Sink(this, sink), cancellationToken);
        public int Send(ref PacketQueue queue) => inner.Send(ref queue);
        public ValueTask DisposeAsync() => inner.DisposeAsync();

        private sealed class Sink(ArrivalSpy spy, ILinkSink target) : ILinkSink
        {
            public bool TryRent(PacketSize size, out Packet packet) => target.TryRent(size, out packet);
            public void Writable() => target.Writable();
            public void Changed(LinkProperties properties, bool up) => target.Changed(properties, up);

            public void Deliver(ref PacketQueue batch)
            {
                PacketQueue seen = default;
                while (batch.Take() is { } packet)
                {
                    if (packet.Segmentation.Kind != SegmentationKind.None) Interlocked.Increment(ref spy._superSegments);
                    seen.Add(packet);
                }
                target.Deliver(ref seen);
            }
        }
    }

    private sealed class UnwritableStream : MemoryStream
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return 0;
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException("no writing here");
    }

    private sealed class BlockingStream : Stream
    {
        private readonly ManualResetEventSlim _released = new();
        private readonly TaskCompletionSource _entered = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal Task Entered => _entered.Task;
        internal void Release() => _released.Set();

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            _entered.TrySetResult();
            _released.Wait(CancellationToken.None);
            return new(0);
        }

        public override bool CanRead => true;
        public override bool CanWrite => true;
        public override bool CanSeek => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) { }
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Flush() { }
    }
}
