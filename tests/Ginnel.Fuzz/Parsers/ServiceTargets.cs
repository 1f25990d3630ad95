using System.Text;
using Ginnel.Wire;

namespace Ginnel.Fuzz;

internal static class ServiceTargets
{
    [ThreadStatic]
    private static byte[]? _scratch;

    internal static DropReason Dns(ReadOnlySpan<byte> bytes)
    {
        DropReason reason = DnsView.TryParse(bytes, out DnsView view);
        if (reason != DropReason.None) return reason;
        byte[] scratch = _scratch ??= new byte[2 * 65536];
        DnsWriter writer = new(scratch.AsSpan(65536), view.Header);
        int questions = 0, records = 0;
        foreach (DnsQuestion question in view.Questions)
        {
            questions++;
            DnsName name = question.Name.ToName();
            Keep.True(question.Name.Is(name) && DnsName.Parse(name.ToString()) == name, "a name round-trips through its text");
            writer.TryAddQuestion(name, question.Type, question.Class);
        }
        foreach (DnsRecord record in view.Records)
        {
            records++;
            TouchRecord(record);
            if (!record.TryCopyData(scratch.AsSpan(0, 65535), out int length)) continue;
            Keep.True(record.Name.Size <= DnsName.MaximumSize, "names are bounded");
            writer.TryAddRecord(record.Section, record.Name.ToName(), record.Type, record.Class, record.TtlSeconds, scratch.AsSpan(0, length));
        }
        Keep.True(questions == view.QuestionCount, "every question is seen");
        Keep.True(records == view.AnswerCount + view.AuthorityCount + view.AdditionalCount, "every record is seen");
        Keep.Value(view.TryGetEdns(out DnsEdns edns) ? edns.PayloadSize : 0);
        Keep.True(DnsView.TryParse(scratch.AsSpan(65536, writer.Length), out _) == DropReason.None, "what was written parses");
        return reason;
    }

    private static void TouchRecord(in DnsRecord record)
    {
        Keep.Bytes(record.Data);
        if (record.TryGetAddress(out IpAddress address)) Keep.Address(address);
        if (record.TryGetTarget(out DnsNameView target)) Keep.Value(target.Size);
        if (record.TryGetMailExchange(out ushort preference, out DnsNameView exchange)) Keep.Value(preference + exchange.Size);
        if (record.TryGetService(out DnsService service)) Keep.Value(service.Port);
        if (record.TryGetAuthority(out DnsAuthority authority)) Keep.Value(authority.Serial);
        if (record.TryGetText(out DnsStrings strings))
            foreach (ReadOnlySpan<byte> part in strings) Keep.Bytes(part);
        if (!record.TryGetServiceBinding(out DnsServiceBinding binding)) return;
        Keep.Value(binding.Priority + binding.Target.Size);
        foreach (DnsServiceParameters parameter in binding.Parameters) Keep.Bytes(parameter.Value);
    }

    internal static DropReason Dhcp(ReadOnlySpan<byte> bytes)
    {
        DropReason reason = DhcpView.TryParse(bytes, out DhcpView view);
        if (reason != DropReason.None) return reason;
        Keep.Address(view.ClientAddress);
        Keep.Address(view.YourAddress);
        Keep.Address(view.ServerAddress);
        Keep.Address(view.RelayAddress);
        Keep.Value((long)view.ClientMac.Value + view.TransactionId + view.Seconds + (view.IsBroadcast ? 1 : 0) + (int)view.MessageType);
        Span<byte> join = stackalloc byte[1024];
        int total = 0;
        foreach (DhcpOptionPiece piece in view.Options)
        {
            total += piece.Value.Length;
            if (view.TryGetOption(piece.Option, join, out ReadOnlySpan<byte> value)) Keep.True(value.Length >= piece.Value.Length, "pieces add up");
            view.TryGetAddress(piece.Option, out _);
            view.TryGetNumber(piece.Option, out _);
        }
        Keep.True(total <= bytes.Length, "options lie in the message");
        return reason;
    }

    // Addresses, prefixes and names as text; what parses must say the same when it is parsed again.
    internal static DropReason Text(ReadOnlySpan<byte> bytes)
    {
        string text = Encoding.Latin1.GetString(bytes);
        bool any = false;
        if (IpAddress.TryParse(text, out IpAddress address))
        {
            any = true;
            Keep.True(IpAddress.Parse(address.ToString()) == address, "an address round-trips");
        }
        if (IpPrefix.TryParse(text, out IpPrefix prefix))
        {
            any = true;
            Keep.True(IpPrefix.Parse(prefix.ToString()).Equals(prefix) && prefix.Contains(prefix.Last), "a prefix round-trips");
        }
        if (MacAddress.TryParse(text, out MacAddress mac))
        {
            any = true;
            Keep.True(MacAddress.TryParse(mac.ToString(), out MacAddress back) && back == mac, "a station's address round-trips");
        }
        if (DnsName.TryParse(text, out DnsName name))
        {
            any = true;
            Keep.True(DnsName.Parse(name.ToString()) == name && name.Wire.Length <= DnsName.MaximumSize, "a name round-trips");
        }
        return any ? DropReason.None : DropReason.BadField;
    }
}
