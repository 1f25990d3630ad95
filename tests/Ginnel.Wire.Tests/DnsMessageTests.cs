using System.Text;
using Xunit;

namespace Ginnel.Wire.Tests;

public sealed class DnsMessageTests
{
    private static readonly DnsName Www = DnsName.Parse("www.example.com"), Example = DnsName.Parse("example.com");

    [Fact]
    public void EveryRecordRoundTrips()
    {
        byte[] message = Everything();
        Assert.Equal(DropReason.None, DnsView.TryParse(message, out DnsView view));
        Assert.Equal(0x1234, view.Header.Id);
        Assert.True(view.Header is { IsResponse: true, RecursionDesired: true, RecursionAvailable: true, IsAuthoritative: false });
        Assert.True(view.TryGetQuestion(out DnsQuestion question));
        Assert.True(question.Name.Is(DnsName.Parse("WWW.example.COM")));
        Assert.False(question.Name.Is(Example));
        Assert.Equal((DnsType.Any, DnsClass.In), (question.Type, question.Class));
        List<string> seen = [];
        foreach (DnsRecord record in view.Records) seen.Add($"{record.Section} {record.Name.ToName()} {record.Type} {record.TtlSeconds} {Describe(record)}");
        Assert.Equal(
        [
            "Answer www.example.com Cname 60 → example.com",
            "Answer example.com A 61 192.0.2.1",
            "Answer example.com Aaaa 62 2001:db8::1",
            "Answer example.com Mx 63 10 mail.example.com",
            "Answer example.com Txt 64 v=spf1|",
            "Answer _x._tcp.example.com Srv 65 1 2 443 host.example.com",
            "Answer example.com Https 66 1 . Alpn=026832 Port=01BB",
            "Answer example.com 4711 67 DEAD",
            "Authority example.com Soa 68 ns.example.com root.example.com 1 2 3 4 5",
            "Authority example.com Ns 69 → ns.example.com",
            "Additional 1.2.0.192.in-addr.arpa Ptr 70 → www.example.com",
            "Additional . Opt 16809984 edns 1232 1 True 000A00020102",
        ], seen);
        Assert.True(view.TryGetEdns(out DnsEdns edns));
        Assert.Equal(1232, edns.PayloadSize);
    }

    [Fact]
    public void NamesAreCompressed()
    {
        Span<byte> buffer = stackalloc byte[512];
        DnsWriter writer = new(buffer, default);
        Assert.True(writer.TryAddQuestion(Www, DnsType.A));
        int before = writer.Length;
        Assert.True(writer.TryAddAddress(DnsSection.Answer, Www, 1, Sample.V4A));
        Assert.Equal(2 + 10 + 4, writer.Length - before);
        before = writer.Length;
        Assert.True(writer.TryAddTarget(DnsSection.Answer, Example, DnsType.Ns, 1, DnsName.Parse("ns.example.com")));
        Assert.Equal(2 + 10 + 5, writer.Length - before);
    }

    [Fact]
    public void AnotherCaseIsNotCompressedAway()
    {
        Span<byte> buffer = stackalloc byte[512];
        DnsWriter writer = new(buffer, default);
        writer.TryAddQuestion(DnsName.Parse("wWw.ExAmPlE.com"), DnsType.A);
        writer.TryAddAddress(DnsSection.Answer, Www, 1, Sample.V4A);
        Assert.Equal(DropReason.None, DnsView.TryParse(buffer[..writer.Length], out DnsView view));
        view.TryGetQuestion(out DnsQuestion question);
        Assert.Equal("wWw.ExAmPlE.com", question.Name.ToString());
        foreach (DnsRecord record in view.Records) Assert.Equal("www.example.com", record.Name.ToString());
    }

    [Fact]
    public void WhatDoesNotFitLeavesAGoodMessageBehind()
    {
        byte[] whole = Everything();
        for (int size = DnsHeader.Size; size < whole.Length; size++)
        {
            byte[] buffer = new byte[size];
            DnsWriter writer = new(buffer, new DnsHeader { Id = 9 });
            WriteEverything(ref writer);
            writer.SetTruncated();
            Assert.Equal(DropReason.None, DnsView.TryParse(buffer.AsSpan(0, writer.Length), out DnsView view));
            Assert.True(view.Header.IsTruncated);
            foreach (DnsRecord record in view.Records) Assert.NotEqual("malformed", Describe(record));
        }
    }

    [Fact]
    public void CopiedDataCanBePutIntoAnotherMessage()
    {
        byte[] first = Everything();
        DnsView.TryParse(first, out DnsView view);
        byte[] second = new byte[2000], data = new byte[2000];
        DnsWriter writer = new(second, view.Header);
        List<string> expected = [];
        foreach (DnsRecord record in view.Records)
        {
            Assert.True(record.TryCopyData(data, out int length));
            Assert.True(writer.TryAddRecord(record.Section, record.Name.ToName(), record.Type, record.Class, record.TtlSeconds, data.AsSpan(0, length)));
            expected.Add($"{record.Name.ToName()} {Describe(record)}");
            for (int room = 0; room < length; room++) Assert.False(record.TryCopyData(data.AsSpan(0, room), out _));
        }
        Assert.Equal(DropReason.None, DnsView.TryParse(second.AsSpan(0, writer.Length), out DnsView copy));
        List<string> seen = [];
        foreach (DnsRecord record in copy.Records) seen.Add($"{record.Name.ToName()} {Describe(record)}");
        // The TTL of the EDNS record is flags, whose highest bits the TTL accessor rightly hides.
        Assert.Equal(expected[..^1], seen[..^1]);
    }

    public static TheoryData<string, byte[], DropReason> Attacks() => new()
    {
        { "pointer to itself", Question([0xC0, 12]), DropReason.BadField },
        { "pointer forwards", Question([0xC0, 14, 0]), DropReason.BadField },
        { "pointer into the header", Question([0xC0, 4]), DropReason.BadField },
        { "pointer past the end", Question([0xFF, 0xFF]), DropReason.BadField },
        { "pointer cut in half", [.. new byte[4], 0, 1, .. new byte[6], 0xC0], DropReason.BadField },
        { "label back into itself", Question([1, (byte)'a', 0xC0, 12]), DropReason.BadField },
        { "label type 01", Question([0x41, 0, 0]), DropReason.BadField },
        { "label type 10", Question([0x81, 0, 0]), DropReason.BadField },
        { "label past the end", Question([63, 1, 2]), DropReason.BadField },
        { "name of 256 octets", Question([.. Enumerable.Repeat<byte[]>([62, .. new byte[62]], 4).SelectMany(b => b), 2, 1, 1, 0]), DropReason.BadField },
        { "counts lie", [.. new byte[4], 0, 2, .. new byte[6], 0, 0, 1, 0, 1], DropReason.Truncated },
        { "counts lie about answers", [.. new byte[6], 0xFF, 0xFF, .. new byte[4]], DropReason.Truncated },
        { "bytes behind", [.. new byte[12], 0], DropReason.BadLength },
        { "data past the end", [.. new byte[6], 0, 1, .. new byte[4], 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 5, 1, 2, 3, 4], DropReason.Truncated },
    };

    [Theory]
    [MemberData(nameof(Attacks))]
    public void AttacksOnNamesAndLengthsAreRefused(string what, byte[] message, DropReason expected) =>
        Assert.True(DnsView.TryParse(message, out _) == expected, what);

    [Fact]
    public void ALongChainOfPointersEnds()
    {
        // Each pointer to the one before: strictly backwards, yet 1,000 jumps for one name.
        List<byte> message = [0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1];
        message.AddRange([0, 0, 16, 0, 1, 0, 0, 0, 0, 7, 0xD0]);
        for (int i = 0; i < 1000; i++)
        {
            int target = i == 0 ? 12 : 28 + 2 * (i - 1);
            message.AddRange([(byte)(0xC0 | target >> 8), (byte)target]);
        }
        message[7] = 2;
        int last = 28 + 2 * 999;
        message.AddRange([(byte)(0xC0 | last >> 8), (byte)last, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
        Assert.Equal(DropReason.BadField, DnsView.TryParse(message.ToArray(), out _));
    }

    [Theory]
    [InlineData(DnsType.A, "010203")]
    [InlineData(DnsType.Aaaa, "01020304")]
    [InlineData(DnsType.Aaaa, "00000000000000000000FFFF7F000001")]
    [InlineData(DnsType.Cname, "")]
    [InlineData(DnsType.Cname, "0161")]
    [InlineData(DnsType.Cname, "00FF")]
    [InlineData(DnsType.Mx, "0001")]
    [InlineData(DnsType.Txt, "")]
    [InlineData(DnsType.Txt, "0261")]
    [InlineData(DnsType.Srv, "000100020003")]
    [InlineData(DnsType.Soa, "0000")]
    [InlineData(DnsType.Https, "0001")]
    [InlineData(DnsType.Https, "0001C00C")]
    [InlineData(DnsType.Https, "000100000300020001000300020001")]
    [InlineData(DnsType.Https, "0001000003FFFF")]
    [InlineData(DnsType.Opt, "00010005")]
    public void MalformedDataAreNotRead(DnsType type, string hex)
    {
        byte[] buffer = new byte[600];
        DnsWriter writer = new(buffer, default);
        writer.TryAddRecord(DnsSection.Additional, DnsName.Root, type, DnsClass.In, 0, Convert.FromHexString(hex));
        Assert.Equal(DropReason.None, DnsView.TryParse(buffer.AsSpan(0, writer.Length), out DnsView view));
        foreach (DnsRecord record in view.Records) Assert.Equal("malformed", Describe(record));
    }

    [Fact]
    public void ATtlBeyond31BitsCountsAsZero()
    {
        byte[] buffer = new byte[600];
        DnsWriter writer = new(buffer, default);
        writer.TryAddAddress(DnsSection.Answer, Www, 0x8000_0001, Sample.V4A);
        DnsView.TryParse(buffer.AsSpan(0, writer.Length), out DnsView view);
        foreach (DnsRecord record in view.Records) Assert.Equal(0u, record.TtlSeconds);
    }

    [Fact]
    public void TwoEdnsRecordsAreNone()
    {
        byte[] buffer = new byte[600];
        DnsWriter writer = new(buffer, default);
        Assert.True(writer.TryAddEdns(1232));
        Assert.True(writer.TryAddEdns(1232));
        DnsView.TryParse(buffer.AsSpan(0, writer.Length), out DnsView view);
        Assert.False(view.TryGetEdns(out _));
    }

    [Fact]
    public void LongTextBecomesSeveralStrings()
    {
        byte[] buffer = new byte[2000], text = Sample.Bytes(600);
        DnsWriter writer = new(buffer, default);
        Assert.True(writer.TryAddText(DnsSection.Answer, Www, 1, text));
        DnsView.TryParse(buffer.AsSpan(0, writer.Length), out DnsView view);
        List<byte> back = [];
        foreach (DnsRecord record in view.Records)
        {
            Assert.True(record.TryGetText(out DnsStrings strings));
            foreach (ReadOnlySpan<byte> part in strings) back.AddRange(part);
        }
        Assert.Equal(text, back);
    }

    internal static byte[] Everything()
    {
        byte[] buffer = new byte[2000];
        DnsWriter writer = new(buffer, new DnsHeader { Id = 0x1234, IsResponse = true, RecursionDesired = true, RecursionAvailable = true });
        Assert.True(WriteEverything(ref writer));
        return buffer[..writer.Length];
    }

    private static bool WriteEverything(ref DnsWriter writer)
    {
        DnsName ns = DnsName.Parse("ns.example.com");
        return writer.TryAddQuestion(Www, DnsType.Any)
            & writer.TryAddTarget(DnsSection.Answer, Www, DnsType.Cname, 60, Example)
            & writer.TryAddAddress(DnsSection.Answer, Example, 61, IpAddress.Parse("192.0.2.1"))
            & writer.TryAddAddress(DnsSection.Answer, Example, 62, IpAddress.Parse("2001:db8::1"))
            & writer.TryAddMailExchange(DnsSection.Answer, Example, 63, 10, DnsName.Parse("mail.example.com"))
            & writer.TryAddText(DnsSection.Answer, Example, 64, "v=spf1"u8)
            & writer.TryAddService(DnsSection.Answer, DnsName.Parse("_x._tcp.example.com"), 65, new DnsService(1, 2, 443, DnsName.Parse("host.example.com")))
            & writer.TryAddRecord(DnsSection.Answer, Example, DnsType.Https, DnsClass.In, 66, [0, 1, 0, 0, 1, 0, 3, 2, (byte)'h', (byte)'2', 0, 3, 0, 2, 1, 187])
            & writer.TryAddRecord(DnsSection.Answer, Example, (DnsType)4711, DnsClass.In, 67, [0xDE, 0xAD])
            & writer.TryAddAuthority(DnsSection.Authority, Example, 68, new DnsAuthority(ns, DnsName.Parse("root.example.com"), 1, 2, 3, 4, 5))
            & writer.TryAddTarget(DnsSection.Authority, Example, DnsType.Ns, 69, ns)
            & writer.TryAddTarget(DnsSection.Additional, DnsReverseName.Of(IpAddress.Parse("192.0.2.1")), DnsType.Ptr, 70, Www)
            & writer.TryAddEdns(1232, DnsResponseCode.BadVersion, dnssecOk: true, [0, 10, 0, 2, 1, 2]);
    }

    internal static string Describe(in DnsRecord record)
    {
        if (record.TryGetAddress(out IpAddress address)) return address.ToString();
        if (record.TryGetTarget(out DnsNameView target)) return $"→ {target.ToName()}";
        if (record.TryGetMailExchange(out ushort preference, out DnsNameView exchange)) return $"{preference} {exchange.ToName()}";
        if (record.TryGetService(out DnsService s)) return $"{s.Priority} {s.Weight} {s.Port} {s.Target}";
        if (record.TryGetAuthority(out DnsAuthority a)) return $"{a.Server} {a.Mailbox} {a.Serial} {a.RefreshSeconds} {a.RetrySeconds} {a.ExpireSeconds} {a.MinimumSeconds}";
        StringBuilder text = new();
        if (record.TryGetText(out DnsStrings strings))
        {
            foreach (ReadOnlySpan<byte> part in strings) text.Append(Encoding.Latin1.GetString(part)).Append('|');
            return text.ToString();
        }
        if (record.TryGetServiceBinding(out DnsServiceBinding binding))
        {
            text.Append(binding.Priority).Append(' ').Append(binding.Target.ToString());
            foreach (DnsServiceParameters parameter in binding.Parameters) text.Append($" {parameter.Key}={Convert.ToHexString(parameter.Value)}");
            return text.ToString();
        }
        if (record.TryGetEdns(out DnsEdns edns)) return $"edns {edns.PayloadSize} {edns.ExtendedResponseCode} {edns.DnssecOk} {Convert.ToHexString(edns.Options)}";
        return (int)record.Type == 4711 ? Convert.ToHexString(record.Data) : "malformed";
    }

    private static byte[] Question(byte[] name) => [.. new byte[4], 0, 1, .. new byte[6], .. name, 0, 1, 0, 1];
}
