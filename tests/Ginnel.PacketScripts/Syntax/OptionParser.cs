namespace Ginnel.PacketScripts.Syntax;

/// <summary>Reads TCP options behind their opening sign.</summary>
internal sealed class OptionParser(Cursor cursor)
{
    /// <summary>The options up to the closing sign; null for <c>...</c>.</summary>
    internal List<TcpOption>? Parse()
    {
        if (cursor.TryTake("...")) { cursor.Take(">"); return null; }
        List<TcpOption> options = [];
        int length = 0;
        while (!cursor.TryTake(">"))
        {
            if (cursor.AtEnd) throw cursor.Error("the options are not closed");
            TcpOption option = ParseOption();
            options.Add(option);
            length += OptionText.Size(option);
            if (!cursor.TryTake(",") && !cursor.StandsHere(">")) throw cursor.Error("a comma expected between options");
        }
        if (length > 40) throw cursor.Error($"the options are {length} octets long; 40 fit into a header");
        return options;
    }

    private TcpOption ParseOption()
    {
        // A number instead of a name is the kind, with its octets behind it.
        if (char.IsAsciiDigit(cursor.Peek))
        {
            uint kind = cursor.TakeNumber();
            return kind <= byte.MaxValue ? new TcpOption((byte)kind, [], cursor.TakeOctets()) : throw cursor.Error($"{kind} is no kind of option");
        }
        string name = cursor.TakeWord();
        return name switch
        {
            "eol" => new TcpOption(OptionText.EndOfList, []),
            "nop" => new TcpOption(OptionText.NoOperation, []),
            "sackOK" => new TcpOption(OptionText.SackPermitted, []),
            "mss" => new TcpOption(OptionText.MaximumSegmentSize, [(uint)cursor.TakeShort(name)]),
            "wscale" => new TcpOption(OptionText.WindowScale, [cursor.TakeNumber() is var scale and <= byte.MaxValue ? scale : throw cursor.Error("wscale has 8 bits")]),
            "TS" => ParseTimestamps(),
            "sack" => ParseSack(),
            "md5" => new TcpOption(OptionText.Md5Signature, [], cursor.TakeOctets()),
            "FO" => new TcpOption(OptionText.FastOpen, [], cursor.TakeOctets()),
            "FOEXP" => new TcpOption(OptionText.Experiment, [], [0xF9, 0x89, .. cursor.TakeOctets()]),
            _ => throw cursor.Error($"TCP option '{name}' is not known (mss, nop, eol, sackOK, sack, wscale, TS, FO, FOEXP, md5, or a kind's number)"),
        };
    }

    private TcpOption ParseTimestamps()
    {
        cursor.Take("val");
        uint? value = cursor.TryTake("...") ? null : cursor.TakeNumber();
        cursor.Take("ecr");
        uint? echo = cursor.TryTake("...") ? null : cursor.TakeNumber();
        return new TcpOption(OptionText.Timestamps, [value ?? OptionText.Any, echo ?? OptionText.Any]);
    }

    private TcpOption ParseSack()
    {
        List<uint> blocks = [];
        while (char.IsAsciiDigit(cursor.Peek))
        {
            blocks.Add(cursor.TakeNumber());
            cursor.Take(":");
            blocks.Add(cursor.TakeNumber());
        }
        return blocks.Count > 0 ? new TcpOption(OptionText.Sack, blocks) : throw cursor.Error("sack without blocks");
    }
}
