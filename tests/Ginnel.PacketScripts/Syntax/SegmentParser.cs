namespace Ginnel.PacketScripts.Syntax;

/// <summary>Reads what stands behind <c>&lt;</c> or <c>&gt;</c>.</summary>
internal static class SegmentParser
{
    internal static ScriptAction Parse(Cursor cursor, bool isInbound)
    {
        // ECN codepoints of the IP header; the interpreter neither sets nor checks them.
        if (cursor.TryTake("[")) cursor.TakeUntil("]");
        if (cursor.TryTake("icmp")) return ParseIcmp(cursor, isInbound);
        if (cursor.TryTake("udp")) throw cursor.Error("UDP packets are not supported by this interpreter");
        return new TcpAction(isInbound, ParseTcp(cursor));
    }

    private static TcpText ParseTcp(Cursor cursor)
    {
        string flags = cursor.TakeAny("FSRPEWUAC.-");
        if (flags.Length == 0) throw cursor.Error("TCP flags expected, such as S, S., P. or -");
        (uint sequence, int length) = ParseRange(cursor);
        uint? acknowledgment = cursor.TryTake("ack") ? cursor.TakeNumber() : null;
        int? window = cursor.TryTake("win") ? (int)cursor.TakeNumber() : null;
        int? urgent = cursor.TryTake("urg") ? (int)cursor.TakeNumber() : null;
        return new TcpText(flags, sequence, length, acknowledgment, window, urgent, cursor.TryTake("<") ? ParseOptions(cursor) : []);
    }

    private static (uint Sequence, int Length) ParseRange(Cursor cursor)
    {
        uint first = cursor.TakeNumber();
        if (!cursor.TryTake(":")) return (first, 0);
        uint end = cursor.TakeNumber();
        cursor.Take("(");
        int length = (int)cursor.TakeNumber();
        cursor.Take(")");
        return end == first + (uint)length ? (first, length) : throw cursor.Error($"{first}:{end} is not {length} long");
    }

    private static List<TcpOption>? ParseOptions(Cursor cursor)
    {
        if (cursor.TryTake("...")) { cursor.Take(">"); return null; }
        List<TcpOption> options = [];
        while (!cursor.TryTake(">"))
        {
            options.Add(ParseOption(cursor));
            cursor.TryTake(",");
            if (cursor.AtEnd) throw cursor.Error("the options are not closed");
        }
        return options;
    }

    private static TcpOption ParseOption(Cursor cursor)
    {
        string name = cursor.TakeWord();
        switch (name)
        {
            case "nop" or "eol" or "sackOK": return new TcpOption(name, []);
            case "mss" or "wscale": return new TcpOption(name, [cursor.TakeNumber()]);
            case "TS":
                cursor.Take("val");
                uint value = cursor.TakeNumber();
                cursor.Take("ecr");
                return new TcpOption(name, [value, cursor.TakeNumber()]);
            case "sack":
                List<uint> blocks = [];
                while (char.IsAsciiDigit(cursor.Peek))
                {
                    blocks.Add(cursor.TakeNumber());
                    cursor.Take(":");
                    blocks.Add(cursor.TakeNumber());
                }
                return new TcpOption(name, blocks);
            default: throw cursor.Error($"TCP option '{name}' is not known (mss, nop, eol, sackOK, sack, wscale, TS)");
        }
    }

    private static IcmpAction ParseIcmp(Cursor cursor, bool isInbound)
    {
        string type = cursor.TakeWord();
        string? code = char.IsLetter(cursor.Peek) ? cursor.TakeWord() : null;
        int mtu = 0;
        if (code == "mtu" || cursor.TryTake("mtu"))
        {
            mtu = (int)cursor.TakeNumber();
            if (code == "mtu") code = null;
        }
        (uint sequence, int length) = (0u, 0);
        if (cursor.TryTake("["))
        {
            (sequence, length) = ParseRange(cursor);
            cursor.Take("]");
        }
        return new IcmpAction(isInbound, type, code, mtu, sequence, length);
    }
}
