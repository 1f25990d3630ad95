using Ginnel.Fuzz;
using Xunit;

namespace Ginnel.Wire.Tests;

/// <summary>Level 0: every truncation and every flipped bit of every kept sample gives a view or a named refusal.</summary>
public sealed class HostileBytesTests
{
    public static TheoryData<string> Names() => [.. ParserTarget.All.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void EveryTruncationIsJudged(string name)
    {
        ParserTarget target = ParserTarget.Find(name);
        int refused = 0, judged = 0;
        foreach (byte[] sample in Corpus.Load(name))
        {
            // A copy of the exact length, so that reading past the end cannot go unnoticed.
            for (int length = 0; length < sample.Length; length++, judged++)
                if (target.Touch(sample[..length]) != DropReason.None) refused++;
        }
        Assert.True(refused > 0 && judged > 0);
        Assert.NotEqual(DropReason.None, target.Touch([]));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void EveryFlippedBitIsJudged(string name)
    {
        ParserTarget target = ParserTarget.Find(name);
        foreach (byte[] sample in Corpus.Load(name))
        {
            DropReason whole = target.Touch(sample);
            for (int bit = 0; bit < sample.Length * 8; bit++)
            {
                sample[bit / 8] ^= (byte)(1 << bit % 8);
                target.Touch(sample);
                sample[bit / 8] ^= (byte)(1 << bit % 8);
            }
            Assert.Equal(whole, target.Touch(sample));
        }
    }

    [Fact]
    public void EverySingleByteOfAnIpHeaderIsJudgedAtEveryValue()
    {
        foreach (string name in (string[])["ip4", "ip6", "tcp", "udp", "arp"])
        {
            ParserTarget target = ParserTarget.Find(name);
            foreach (byte[] sample in Corpus.Load(name))
            {
                for (int at = 0; at < Math.Min(sample.Length, 60); at++)
                {
                    byte kept = sample[at];
                    for (int value = 0; value < 256; value++)
                    {
                        sample[at] = (byte)value;
                        target.Touch(sample);
                    }
                    sample[at] = kept;
                }
            }
        }
    }
}
