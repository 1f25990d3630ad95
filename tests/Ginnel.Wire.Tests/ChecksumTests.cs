using System.Buffers.Binary;
using Xunit;

namespace Ginnel.Wire.Tests;

public sealed class ChecksumTests
{
    [Fact]
    public void TheExampleOfRfc1071IsSummedAsItSays()
    {
        byte[] bytes = [0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7];
        Assert.Equal(0xDDF2, Checksum.Fold(Checksum.Sum(bytes)));
        Assert.Equal(0x220D, Checksum.Compute(bytes));
    }

    [Fact]
    public void VectorsAndScalarAgreeAtEveryLengthAndOffset()
    {
        byte[] bytes = new byte[1200];
        new Random(1).NextBytes(bytes);
        for (int length = 0; length <= 1100; length++)
        {
            ReadOnlySpan<byte> stretch = bytes.AsSpan(length % 67, length);
            Assert.Equal(Checksum.Fold(Checksum.SumScalar(stretch, 7)), Checksum.Fold(Checksum.Sum(stretch, 7)));
        }
    }

    [Fact]
    public void AllOnesDoNotOverflowTheLanes()
    {
        byte[] ones = new byte[1 << 20];
        Array.Fill(ones, (byte)0xFF);
        Assert.Equal(Checksum.Fold(Checksum.SumScalar(ones, 0)), Checksum.Fold(Checksum.Sum(ones)));
    }

    [Fact]
    public void ZerosSumToZeroAndNothingElseDoes()
    {
        byte[] bytes = new byte[300];
        Assert.Equal(0, Checksum.Fold(Checksum.Sum(bytes)));
        bytes[0] = bytes[1] = 0xFF;
        Assert.Equal(0xFFFF, Checksum.Fold(Checksum.Sum(bytes)));
    }

    [Fact]
    public void CopyingGivesTheSameSumAndTheSameBytes()
    {
        byte[] source = new byte[1024];
        new Random(2).NextBytes(source);
        for (int length = 0; length <= 1000; length++)
        {
            byte[] copy = new byte[length + 1];
            ulong sum = Checksum.SumAndCopy(source.AsSpan(3, length), copy, 5);
            Assert.Equal(Checksum.Fold(Checksum.Sum(source.AsSpan(3, length), 5)), Checksum.Fold(sum));
            Assert.True(source.AsSpan(3, length).SequenceEqual(copy.AsSpan(0, length)));
            Assert.Equal(0, copy[length]);
        }
    }

    [Fact]
    public void TwoStretchesCombineAtEverySplit()
    {
        byte[] bytes = new byte[129];
        new Random(3).NextBytes(bytes);
        ushort whole = Checksum.Fold(Checksum.Sum(bytes));
        for (int at = 0; at <= bytes.Length; at++)
        {
            ulong combined = Checksum.Combine(Checksum.Sum(bytes.AsSpan(0, at)), at, Checksum.Sum(bytes.AsSpan(at)));
            Assert.Equal(whole, Checksum.Fold(combined));
        }
    }

    [Fact]
    public void TheExampleOfRfc1624AvoidsMinusZero() => Assert.Equal(0x0000, Checksum.Update(0xDD2F, (ushort)0x5555, (ushort)0x3285));

    [Fact]
    public void IncrementalUpdateEqualsComputingAnew()
    {
        Random random = new(4);
        byte[] bytes = new byte[40];
        for (int round = 0; round < 2000; round++)
        {
            random.NextBytes(bytes);
            ushort before = Checksum.Compute(bytes);
            Span<byte> words = bytes.AsSpan(random.Next(10) * 4, 4);
            uint old = BinaryPrimitives.ReadUInt32BigEndian(words);
            uint now = (uint)random.NextInt64(1L << 32);
            BinaryPrimitives.WriteUInt32BigEndian(words, now);
            Assert.Equal(Checksum.Compute(bytes), Checksum.Update(before, old, now));
        }
    }

    [Theory]
    [InlineData("10.0.0.1", "192.168.77.2")]
    [InlineData("fd00::1", "2001:db8:1:2:3:4:5:6")]
    public void UpdateForAnAddressEqualsComputingAnew(string from, string to)
    {
        IpAddress old = IpAddress.Parse(from), now = IpAddress.Parse(to), other = IpAddress.Parse(old.IsV4 ? "1.2.3.4" : "fe80::9");
        byte[] payload = [1, 2, 3, 4, 5];
        ushort before = (ushort)~Checksum.Fold(Checksum.Sum(payload, Checksum.PseudoHeader(old, other, IpProtocol.Udp, 5)));
        ushort after = (ushort)~Checksum.Fold(Checksum.Sum(payload, Checksum.PseudoHeader(now, other, IpProtocol.Udp, 5)));
        Assert.Equal(after, Checksum.Update(before, old, now));
    }
}
