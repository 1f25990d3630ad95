namespace Ginnel.PacketScripts.Syntax;

/// <summary>Reads what stands behind <c>&lt;</c> or <c>&gt;</c>: marks of the IP header, ports, and a segment, datagram or ICMP message.</summary>
internal sealed class PacketParser(Cursor cursor, bool isInbound)
{
    private static readonly string[] Encapsulations = ["ipv4", "ipv6", "gre", "GREv0", "mpls", "psp", "vxlan", "sctp", "udplite"];

    internal PacketAction Parse()
    {
        // An older notation has what an ICMP error quotes before the word icmp.
        QuotedText? quoted = cursor.TryTakeBefore("[", char.IsAsciiDigit) ? ParseQuoted() : null;
        IpMarks marks = ParseMarks();
        foreach (string outer in Encapsulations)
        {
            if (cursor.TryTake(outer)) throw cursor.Error($"'{outer}': this stack has no such encapsulation or protocol");
        }
        if (cursor.TryTake("icmp")) return ParseIcmp(marks, quoted);
        if (quoted is not null) throw cursor.Error("icmp expected behind what it quotes");
        if (cursor.TryTake("udp")) return ParseUdp(marks);
        Ports? ports = ParsePorts();
        if (cursor.TryTake("udp")) return ParseUdp(marks, ports);
        return new TcpAction(isInbound, marks, ports, ParseSegment());
    }

    private IpMarks ParseMarks()
    {
        string close;
        if (cursor.TryTake("[")) close = "]";
        else if (cursor.TryTake("(")) close = ")";
        else return IpMarks.None;
        IpMarks marks = IpMarks.None;
        do
        {
            marks = ParseMark(marks);
        }
        while (cursor.TryTake(","));
        cursor.Take(close);
        if (marks.Ecn == IpMarks.EitherEct && isInbound) throw cursor.Error("[ect01] is for packets that the stack sends");
        return marks;
    }

    private IpMarks ParseMark(IpMarks marks)
    {
        string name = cursor.TakeWord();
        return name switch
        {
            "noecn" => marks with { Ecn = 0 },
            "ect1" => marks with { Ecn = 1 },
            "ect0" => marks with { Ecn = 2 },
            "ce" => marks with { Ecn = 3 },
            "ect01" => marks with { Ecn = IpMarks.EitherEct },
            "tos" => marks with { Tos = Octet(name) },
            "ttl" => marks with { HopLimit = Octet(name) },
            "flowlabel" => marks with { FlowLabel = cursor.TakeNumber() },
            _ => throw cursor.Error($"the mark '{name}' is not known (noecn, ect0, ect1, ect01, ce, tos, ttl, flowlabel)"),
        };
    }

    private int Octet(string name)
    {
        uint number = cursor.TakeNumber();
        return number <= byte.MaxValue ? (int)number : throw cursor.Error($"{name} {number} does not fit into 8 bits");
    }

    private Ports? ParsePorts()
    {
        if (!char.IsAsciiDigit(cursor.Peek)) return null;
        int source = cursor.TakeShort("port");
        cursor.Take(">");
        return new Ports((ushort)source, (ushort)cursor.TakeShort("port"));
    }

    private UdpAction ParseUdp(IpMarks marks, Ports? ports = null)
    {
        ports ??= ParsePorts();
        cursor.Take("(");
        int length = cursor.TakeShort("length");
        cursor.Take(")");
        return new UdpAction(isInbound, marks, ports, length);
    }

    private TcpText ParseSegment()
    {
        // The digits are accurate ECN's counter: ".5".
        string flags = cursor.TakeAny("FSRPEWUAC.-01234567");
        if (flags.Length == 0) throw cursor.Error("TCP flags expected, such as S, S., P. or -");
        (uint sequence, int length) = ParseRange();
        uint? acknowledgment = cursor.TryTake("ack") ? cursor.TakeNumber() : null;
        int? window = cursor.TryTake("win") ? cursor.TakeShort("window") : null;
        int? urgent = cursor.TryTake("urg") ? cursor.TakeShort("urgent pointer") : null;
        List<TcpOption>? options = cursor.TryTake("<") ? new OptionParser(cursor).Parse() : [];
        if (options is null && isInbound) throw cursor.Error("<...> is for packets that the stack sends");
        if (cursor.StandsHere("{")) throw cursor.Error("mutations of packets ({mut …}) are not supported");
        return new TcpText(flags, sequence, length, acknowledgment, window, urgent, options);
    }

    private (uint Sequence, int Length) ParseRange()
    {
        uint first = cursor.TakeNumber();
        if (!cursor.TryTake(":")) return (first, 0);
        uint end = cursor.TakeNumber();
        cursor.Take("(");
        int length = cursor.TakeShort("length");
        cursor.Take(")");
        return end == first + (uint)length ? (first, length) : throw cursor.Error($"{first}:{end} is not {length} long");
    }

    private IcmpAction ParseIcmp(IpMarks marks, QuotedText? before)
    {
        string type = cursor.TakeWord();
        string? code = null;
        int? mtu = null;
        int? identifier = null;
        if (char.IsLetter(cursor.Peek) && !cursor.StandsHere("mtu ") && !cursor.StandsHere("id ")) code = cursor.TakeWord();
        if (cursor.TryTake("mtu")) mtu = (int)cursor.TakeNumber();
        if (cursor.TryTake("id")) identifier = cursor.TakeShort("identifier");
        return new IcmpAction(isInbound, marks, type, code, mtu, identifier, cursor.TryTake("[") ? ParseQuoted() : before);
    }

    private QuotedText ParseQuoted()
    {
        QuotedKind kind = cursor.TryTake("udp") ? QuotedKind.Udp : cursor.TryTake("raw") ? QuotedKind.Raw : QuotedKind.Tcp;
        (uint sequence, int length) = (0u, 0);
        if (kind == QuotedKind.Tcp) (sequence, length) = ParseRange();
        else
        {
            cursor.Take("(");
            length = cursor.TakeShort("length");
            cursor.Take(")");
        }
        cursor.Take("]");
        return new QuotedText(kind, sequence, length);
    }
}
