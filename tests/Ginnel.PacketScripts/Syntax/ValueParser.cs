using System.Globalization;

namespace Ginnel.PacketScripts.Syntax;

/// <summary>Reads arguments and results: numbers, words, texts, lists, structures, <c>A|B</c> and <c>...</c>.</summary>
internal sealed class ValueParser(Cursor cursor, IReadOnlyDictionary<string, string> defines)
{
    /// <summary>What stands up to the closing parenthesis, which goes too.</summary>
    internal List<Value> ParseList(string close)
    {
        List<Value> values = [];
        if (cursor.TryTake(close)) return values;
        do
        {
            values.Add(Parse());
        }
        while (cursor.TryTake(","));
        cursor.Take(close);
        return values;
    }

    internal Value Parse()
    {
        Value value = ParseOne();
        while (cursor.TryTake("|")) value = new OrValue(value, ParseOne());
        return value;
    }

    private Value ParseOne()
    {
        if (cursor.TryTake("...")) return EllipsisValue.Instance;
        if (cursor.TryTake("[")) return new ListValue(ParseList("]"));
        if (cursor.TryTake("{")) return ParseStructure();
        char next = cursor.Peek;
        if (next == '"') return ParseText();
        if (next == '-' || char.IsAsciiDigit(next)) return new NumberValue(ParseNumber());
        string word = cursor.TakeWord();
        if (cursor.TryTake("(")) return new FunctionValue(word, ParseList(")"));
        return Define(word);
    }

    // A name that --define gave a meaning stands for it.
    private Value Define(string word)
    {
        if (!defines.TryGetValue(word, out string? meaning)) return new WordValue(word);
        if (meaning.Length > 1 && meaning[0] == '"') return new TextValue(meaning[1..^1]);
        return TryNumber(meaning, out long number) ? new NumberValue(number) : new WordValue(meaning);
    }

    // Texts beside each other are one; dots behind one mean that more follows, which is not compared.
    private TextValue ParseText()
    {
        string text = "";
        while (cursor.Peek == '"') text += cursor.TakeQuoted();
        cursor.TryTake("...");
        return new TextValue(text);
    }

    private long ParseNumber()
    {
        bool negative = cursor.TryTake("-");
        string digits = cursor.TakeWord();
        if (!TryNumber(digits, out long number)) throw cursor.Error($"'{digits}' is no number");
        return negative ? -number : number;
    }

    private static bool TryNumber(string text, out long number) =>
        text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? long.TryParse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out number)
            : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);

    private StructureValue ParseStructure()
    {
        List<(string, Value)> fields = [];
        while (!cursor.TryTake("}"))
        {
            if (cursor.AtEnd) throw cursor.Error("a structure is not closed");
            fields.Add(ParseField());
            cursor.TryTake(",");
        }
        return new StructureValue(fields);
    }

    // {name=value}, {msg_iov(1)=[...]} or only {value}.
    private (string Name, Value Value) ParseField()
    {
        Value value = Parse();
        if (!cursor.TryTake("=")) return ("", value);
        string name = value switch
        {
            WordValue word => word.Word,
            FunctionValue function => function.Name,
            _ => throw cursor.Error($"'{value}' is no name of a field"),
        };
        return (name, Parse());
    }
}
