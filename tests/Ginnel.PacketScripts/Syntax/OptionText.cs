namespace Ginnel.PacketScripts.Syntax;

/// <summary>TCP options as scripts write them.</summary>
internal static class OptionText
{
    internal const byte EndOfList = 0;
    internal const byte NoOperation = 1;
    internal const byte MaximumSegmentSize = 2;
    internal const byte WindowScale = 3;
    internal const byte SackPermitted = 4;
    internal const byte Sack = 5;
    internal const byte Timestamps = 8;
    internal const byte Md5Signature = 19;
    internal const byte FastOpen = 34;
    internal const byte Experiment = 254;

    /// <summary>A timestamp that the script leaves open: <c>TS val ... ecr ...</c>.</summary>
    internal const uint Any = uint.MaxValue - 12_345;

    /// <summary>Octets that the option takes.</summary>
    internal static int Size(TcpOption option) => option.Kind switch
    {
        EndOfList or NoOperation => 1,
        MaximumSegmentSize => 4,
        WindowScale => 3,
        _ => 2 + (option.Octets?.Length ?? 4 * option.Values.Count),
    };

    /// <summary>An option read from a header; what is none is read as its octets.</summary>
    internal static List<TcpOption> Read(ReadOnlySpan<byte> bytes)
    {
        List<TcpOption> options = [];
        while (!bytes.IsEmpty)
        {
            int length = bytes[0] <= NoOperation ? 1 : bytes.Length > 1 ? Math.Clamp((int)bytes[1], 2, bytes.Length) : bytes.Length;
            options.Add(ReadOne(bytes[..length]));
            bytes = bytes[length..];
        }
        return options;
    }

    private static TcpOption ReadOne(ReadOnlySpan<byte> option)
    {
        byte kind = option[0];
        ReadOnlySpan<byte> value = option.Length > 2 ? option[2..] : [];
        return kind switch
        {
            EndOfList or NoOperation or SackPermitted => new TcpOption(kind, []),
            MaximumSegmentSize when value.Length == 2 => new TcpOption(kind, [(uint)(value[0] << 8 | value[1])]),
            WindowScale when value.Length == 1 => new TcpOption(kind, [value[0]]),
            Sack or Timestamps when value.Length % 4 == 0 => new TcpOption(kind, Numbers(value)),
            _ => new TcpOption(kind, [], value.ToArray()),
        };
    }

    private static uint[] Numbers(ReadOnlySpan<byte> bytes)
    {
        uint[] numbers = new uint[bytes.Length / 4];
        for (int i = 0; i < numbers.Length; i++) numbers[i] = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes[(4 * i)..]);
        return numbers;
    }

    /// <summary>The options as a script writes them, timestamps without their value: what our clock says is not the script's to know.</summary>
    internal static string Write(IEnumerable<TcpOption> options) => string.Join(',', options.Select(Write));

    private static string Write(TcpOption option) => option.Kind switch
    {
        EndOfList => "eol",
        NoOperation => "nop",
        SackPermitted => "sackOK",
        MaximumSegmentSize when option.Octets is null => $"mss {option.Values[0]}",
        WindowScale when option.Octets is null => $"wscale {option.Values[0]}",
        Sack when option.Octets is null => "sack " + string.Join(' ', option.Values.Chunk(2).Select(block => $"{block[0]}:{block[1]}")),
        Timestamps when option.Octets is null => $"TS ecr {option.Values[1]}",
        Md5Signature => "md5 " + Convert.ToHexStringLower(option.Octets!),
        FastOpen => "FO " + Convert.ToHexStringLower(option.Octets!),
        Experiment when option.Octets is [0xF9, 0x89, ..] => "FOEXP " + Convert.ToHexStringLower(option.Octets[2..]),
        _ => $"{option.Kind} {Convert.ToHexStringLower(option.Octets ?? [])}",
    };
}
