using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

public sealed class LeaseTests
{
    [Fact]
    public void What_is_leased_for_reading_stays_while_more_arrives()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        byte[] first = Build.Bytes(4096, 1);
        int at = 1;
        peer.Send(TcpFlags.Ack, at, 1, first);
        Assert.Equal(OpStatus.Ok, peer.Stack.TryLeaseReadable(peer.Id, out RingLease lease));
        Assert.Equal(OpStatus.InvalidState, peer.Stack.TryLeaseReadable(peer.Id, out _));
        // The ring is full and has to be replaced, several times, while its old bytes are lent.
        at += first.Length;
        byte[] more = Build.Bytes(40_000, 2);
        for (int i = 0; i < more.Length; i += 1000) peer.Send(TcpFlags.Ack, at + i, 1, more[i..(i + 1000)]);
        Assert.Equal(first, lease.First.ToArray());
        Assert.Equal(OpStatus.InvalidState, peer.Stack.Consume(peer.Id, lease.Length + 1, peer.Now));
        Assert.Equal(OpStatus.Ok, peer.Stack.Consume(peer.Id, 4000, peer.Now));
        Assert.Equal([.. first[4000..], .. more], peer.ReadAll());
        Assert.Equal(0, peer.Stack.MemoryInUse);
    }

    [Fact]
    public void Consuming_nothing_ends_the_lease()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Send(TcpFlags.Ack, 1, 1, [1, 2, 3]);
        Assert.Equal(OpStatus.Ok, peer.Stack.TryLeaseReadable(peer.Id, out _));
        Assert.Equal(OpStatus.Ok, peer.Stack.Consume(peer.Id, 0, peer.Now));
        Assert.Equal(OpStatus.InvalidState, peer.Stack.Consume(peer.Id, 0, peer.Now));
        Assert.Equal([1, 2, 3], peer.ReadAll());
    }

    [Fact]
    public void Acknowledgments_may_come_while_room_is_leased_for_writing()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Write(3000);
        Assert.Equal(3, peer.Sent().Count);
        Assert.Equal(OpStatus.Ok, peer.Stack.TryLeaseWritable(peer.Id, 1000, out RingLease lease));
        Assert.Equal(OpStatus.InvalidState, peer.Stack.TryLeaseWritable(peer.Id, 1, out _));
        lease.First.Span[..2].Fill(5);
        peer.Ack(1, 3001);
        Assert.True(peer.Stack.MemoryInUse > 0);
        lease.First.Span[..4][2..].Fill(6);
        Assert.Equal(OpStatus.Ok, peer.Stack.Commit(peer.Id, 4, peer.Now));
        Assert.Equal([5, 5, 6, 6], peer.SentOne().Payload);
        peer.Ack(1, 3005);
        Assert.Equal(0, peer.Stack.MemoryInUse);
    }

    [Fact]
    public void A_write_lease_is_never_longer_than_the_buffer_and_wakes_when_there_is_room()
    {
        using TcpPeer peer = new(new TcpOptions { SendBuffer = 8192 });
        peer.EstablishPassive();
        Assert.Equal(8192, peer.Write(Build.Bytes(20_000)));
        peer.Events();
        Assert.Equal(9, peer.Sent().Count);
        peer.Ack(1, 1001);
        Assert.False(peer.Events().HasFlag(SocketEvents.Writable));
        peer.Ack(1, 5001);
        Assert.True(peer.Events().HasFlag(SocketEvents.Writable));
        Assert.Equal(5000, peer.Write(Build.Bytes(20_000)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Abort_during_a_lease_leaves_the_bytes_until_it_ends(bool read)
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Send(TcpFlags.Ack, 1, 1, [1, 2, 3]);
        RingLease lease;
        if (read) Assert.Equal(OpStatus.Ok, peer.Stack.TryLeaseReadable(peer.Id, out lease));
        else Assert.Equal(OpStatus.Ok, peer.Stack.TryLeaseWritable(peer.Id, 10, out lease));
        lease.First.Span[0] = 77;
        peer.Stack.Abort(peer.Id, peer.Now);
        Assert.Equal(RingMemory.Smallest, peer.Stack.MemoryInUse);
        Assert.Equal(77, lease.First.Span[0]);
        if (read) Assert.Equal(OpStatus.Ok, peer.Stack.Consume(peer.Id, 1, peer.Now));
        else Assert.Equal(OpStatus.Failed, peer.Stack.Commit(peer.Id, 1, peer.Now));
        Assert.Equal(0, peer.Stack.MemoryInUse);
    }

    [Fact]
    public void A_lease_that_is_never_ended_does_not_touch_others()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Send(TcpFlags.Ack, 1, 1, [1, 2, 3]);
        Assert.Equal(OpStatus.Ok, peer.Stack.TryLeaseReadable(peer.Id, out RingLease read));
        Assert.Equal(OpStatus.Ok, peer.Stack.TryLeaseWritable(peer.Id, 10, out RingLease write));
        peer.Stack.Release(peer.Id, peer.Now);
        Assert.Equal(0, peer.Stack.MemoryInUse);
        peer.Sent();
        peer.Port++;
        peer.EstablishPassive();
        byte[] data = Build.Bytes(4096, 9);
        peer.Send(TcpFlags.Ack, 1, 1, data);
        peer.Write(2000);
        read.First.Span.Fill(0xEE);
        write.First.Span.Fill(0xEE);
        Assert.Equal(data, peer.ReadAll());
        Assert.Equal(Build.Bytes(2000), peer.Sent().Where(segment => segment.Length > 0).SelectMany(segment => segment.Payload));
    }

    [Fact]
    public void Who_waits_for_memory_is_woken_when_it_comes()
    {
        using TcpPeer peer = new(stackOptions: options => new StackOptions { Pool = options.Pool, Entropy = options.Entropy, MemoryLimit = 1024 });
        peer.EstablishPassive();
        Assert.Equal(OpStatus.WouldBlock, peer.Stack.TryLeaseWritable(peer.Id, 1, out _));
        peer.Send(TcpFlags.Ack, 1, 1, [1]);
        Assert.Equal(1, peer.Host.Drops(DropReason.ReceiveBufferFull));
        Assert.Equal(1, peer.SentOne().Acknowledgment);
        Assert.Equal(SocketEvents.None, peer.Events());
        peer.Stack.MemoryLimit = 1 << 20;
        Assert.Equal(SocketEvents.Writable, peer.Events());
        Assert.Equal(OpStatus.Ok, peer.Stack.TryLeaseWritable(peer.Id, 1, out _));
        peer.Stack.Commit(peer.Id, 0, peer.Now);
        Assert.Equal(0, peer.Stack.MemoryInUse);
    }

    [Fact]
    public void Stale_ids_and_wrong_sockets_are_refused()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        Assert.Equal(OpStatus.InvalidState, peer.Stack.TryLeaseReadable(peer.Listener, out _));
        Assert.Equal(OpStatus.InvalidState, peer.Stack.Commit(peer.Id, 1, peer.Now));
        Assert.Equal(OpStatus.InvalidState, peer.Stack.Consume(peer.Id, 1, peer.Now));
        peer.Stack.Abort(peer.Id, peer.Now);
        peer.Stack.Release(peer.Id, peer.Now);
        Assert.Equal(OpStatus.Stale, peer.Stack.TryLeaseReadable(peer.Id, out _));
        Assert.Equal(OpStatus.Stale, peer.Stack.TryLeaseWritable(peer.Id, 1, out _));
        Assert.Equal(OpStatus.Stale, peer.Stack.Abort(peer.Id, peer.Now));
        Assert.Equal(OpStatus.Stale, peer.Stack.Accept(peer.Id, peer.Now, out _));
        Assert.False(peer.Stack.TryGetInfo(peer.Id, out _));
    }
}
