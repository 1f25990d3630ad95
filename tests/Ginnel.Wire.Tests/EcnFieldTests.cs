using Xunit;

namespace Ginnel.Wire.Tests;

public sealed class EcnFieldTests
{
    public static TheoryData<bool, int> Packets => new() { { true, 0 }, { true, 0xB8 }, { false, 0 }, { false, 0xB8 } };

    [Theory]
    [MemberData(nameof(Packets))]
    public void What_is_written_is_read_and_nothing_else_changes(bool v4, int differentiated)
    {
        for (int from = 0; from < 4; from++)
        {
            for (int to = 0; to < 4; to++)
            {
                byte[] packet = Packet(v4, (byte)(differentiated | from));
                Assert.Equal((EcnCodepoint)from, EcnField.Read(packet));
                EcnField.Write(packet, (EcnCodepoint)to);
                // The same as if it had been sent so, the header's checksum included (RFC 1624).
                Assert.Equal(Packet(v4, (byte)(differentiated | to)), packet);
            }
        }
    }

    [Fact]
    public void A_congested_router_marks_what_may_be_marked()
    {
        for (int from = 0; from < 4; from++)
        {
            byte[] packet = Packet(v4: true, (byte)from);
            Assert.Equal(from != 0, EcnField.TryMark(packet));
            Assert.Equal(from == 0 ? EcnCodepoint.NotEct : EcnCodepoint.CongestionExperienced, EcnField.Read(packet));
        }
    }

    /// <summary>RFC 6040 section 4.2, figure 4: rows are the packet that was carried, columns its carrier; −1 is a drop.</summary>
    [Theory]
    [InlineData(0, 0, 0, 0, -1)]
    [InlineData(2, 2, 2, 1, 3)]
    [InlineData(1, 1, 1, 1, 3)]
    [InlineData(3, 3, 3, 3, 3)]
    public void A_tunnels_end_combines(int inner, int underNotEct, int underEct0, int underEct1, int underCe)
    {
        foreach ((int outer, int expected) in new[] { (0, underNotEct), (2, underEct0), (1, underEct1), (3, underCe) })
        {
            bool passes = EcnField.TryCombine((EcnCodepoint)inner, (EcnCodepoint)outer, out EcnCodepoint combined);
            Assert.Equal(expected, passes ? (int)combined : -1);
        }
    }

    [Fact]
    public void What_is_no_packet_is_left_alone()
    {
        foreach (byte[] bytes in new byte[][] { [], [0x45], [0x45, 3], new byte[40] })
        {
            byte[] before = [.. bytes];
            EcnField.Write(bytes, EcnCodepoint.CongestionExperienced);
            Assert.Equal(before, bytes);
            EcnField.TryMark(bytes);
        }
        Assert.Equal(EcnCodepoint.NotEct, EcnField.Read([]));
    }

    private static byte[] Packet(bool v4, byte trafficClass)
    {
        byte[] packet = new byte[v4 ? 24 : 44];
        IpAddress from = IpAddress.Parse(v4 ? "192.0.2.1" : "2001:db8::1"), to = IpAddress.Parse(v4 ? "203.0.113.77" : "2001:db8::2");
        if (v4) new IpV4Header { TotalLength = 24, TrafficClass = trafficClass, HopLimit = 64, Identification = 0xFFFE, Protocol = IpProtocol.Udp, Source = from, Destination = to }.Write(packet);
        else new IpV6Header { PayloadLength = 4, TrafficClass = trafficClass, FlowLabel = 0xABCDE, HopLimit = 64, NextHeader = IpProtocol.Udp, Source = from, Destination = to }.Write(packet);
        return packet;
    }
}
