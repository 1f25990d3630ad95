using System.Buffers.Binary;
using Ginnel.Wire;
using static Ginnel.Netstack.Tests.TestStack;

namespace Ginnel.Netstack.Tests;

/// <summary>TCP and the rest share a link packet by packet, however small the room that the link has.</summary>
public sealed class FairnessTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(64)]
    public void Datagrams_and_segments_leave_in_turn(int budget)
    {
        using TestStack stack = new();
        SocketId connection = Establish(stack);
        Assert.Equal(OpStatus.Ok, stack.Stack.TryLeaseWritable(connection, 20_000, out RingLease lease));
        Assert.Equal(OpStatus.Ok, stack.Stack.Commit(connection, Math.Min(lease.Length, 20_000), stack.Now));
        SocketId port = stack.Bind(new IpEndpoint(OwnV4, 53));
        for (int i = 0; i < 8; i++) stack.Stack.Send(port, new DatagramSend(new IpEndpoint(PeerV4, 9)), new byte[100], stack.Now);
        List<IpProtocol> sent = [];
        while (stack.Stack.HasOutput(stack.Interface) && sent.Count < 16)
        {
            foreach (byte[] packet in stack.Sent(budget)) sent.Add((IpProtocol)packet[9]);
        }
        for (int i = 0; i + 1 < 12; i++) Assert.NotEqual(sent[i], sent[i + 1]);
        stack.Stack.Abort(connection, stack.Now);
        stack.Stack.Release(connection, stack.Now);
    }

    private static SocketId Establish(TestStack stack)
    {
        Assert.Equal(OpStatus.Ok, stack.Stack.Listen(new IpEndpoint(OwnV4, 80), 4, out SocketId listener));
        stack.Receive(Segment(TcpFlags.Syn, sequence: 100, acknowledgment: 0));
        byte[] answer = Assert.Single(stack.Sent());
        uint iss = BinaryPrimitives.ReadUInt32BigEndian(answer.AsSpan(24));
        stack.Receive(Segment(TcpFlags.Ack, sequence: 101, acknowledgment: iss + 1));
        Assert.Equal(OpStatus.Ok, stack.Stack.Accept(listener, stack.Now, out SocketId connection));
        stack.Stack.Release(listener, stack.Now);
        return connection;
    }

    private static byte[] Segment(TcpFlags flags, uint sequence, uint acknowledgment)
    {
        TcpHeader header = new()
        {
            SourcePort = 5000, DestinationPort = 80, Flags = flags, Window = 65_535, Sequence = new SequenceNumber(sequence),
            Acknowledgment = new SequenceNumber(acknowledgment), MaximumSegmentSize = (flags & TcpFlags.Syn) != 0 ? (ushort)1_460
                : (ushort)0,
        };
        byte[] segment = new byte[header.Size];
        header.Write(segment);
        ulong sum = Checksum.Sum(segment, Checksum.PseudoHeader(PeerV4, OwnV4, IpProtocol.Tcp, segment.Length));
        BinaryPrimitives.WriteUInt16BigEndian(segment.AsSpan(16), (ushort)~Checksum.Fold(sum));
        return Build.IpV4(PeerV4, OwnV4, IpProtocol.Tcp, segment);
    }
}
