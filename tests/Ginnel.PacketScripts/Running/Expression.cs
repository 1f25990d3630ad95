using System.Globalization;
using Ginnel.PacketScripts.Syntax;

namespace Ginnel.PacketScripts.Running;

/// <summary>An integer expression; truth is anything but zero. Precedence from loose to tight: or, and, not, comparison, sum, product, sign.</summary>
internal sealed class Expression(int line, string text, Func<string, long?> field)
{
    private readonly List<string> _used = [];
    private int _at;

    /// <summary>The fields that were read, with their values, for the message of a failure.</summary>
    internal string Used => string.Join(", ", _used);

    internal long Evaluate()
    {
        long value = Or();
        SkipBlank();
        // Behind a comma stands a message for people.
        if (_at < text.Length && text[_at] != ',') throw Error();
        return value;
    }

    private long Or()
    {
        long value = And();
        while (TryTake("or")) value = (And() != 0) | (value != 0) ? 1 : 0;
        return value;
    }

    private long And()
    {
        long value = Not();
        while (TryTake("and")) value = (Not() != 0) & (value != 0) ? 1 : 0;
        return value;
    }

    private long Not() => TryTake("not") ? Not() == 0 ? 1 : 0 : Comparison();

    private long Comparison()
    {
        long left = Sum();
        bool holds = true;
        bool compared = false;
        while (TakeOperator("==", "!=", "<=", ">=", "<", ">") is { } comparison)
        {
            long right = Sum();
            holds &= comparison switch
            {
                "==" => left == right, "!=" => left != right, "<=" => left <= right, ">=" => left >= right, "<" => left < right, _ => left > right,
            };
            compared = true;
            left = right;
        }
        return compared ? holds ? 1 : 0 : left;
    }

    private long Sum()
    {
        long value = Product();
        while (TakeOperator("+", "-") is { } sign) value = sign == "+" ? value + Product() : value - Product();
        return value;
    }

    private long Product()
    {
        long value = Unary();
        while (TakeOperator("*", "//", "/", "%") is { } sign)
        {
            long right = Unary();
            if (right == 0 && sign != "*") throw new ScriptException(line, "division by zero");
            value = sign switch { "*" => value * right, "%" => value % right, _ => value / right };
        }
        return value;
    }

    private long Unary() => TakeOperator("-") is null ? Primary() : -Unary();

    private long Primary()
    {
        if (TakeOperator("(") is not null)
        {
            long value = Or();
            if (TakeOperator(")") is null) throw Error();
            return value;
        }
        SkipBlank();
        int start = _at;
        while (_at < text.Length && (char.IsAsciiLetterOrDigit(text[_at]) || text[_at] == '_')) _at++;
        string word = text[start.._at];
        if (word.Length == 0) throw Error();
        if (char.IsAsciiDigit(word[0])) return long.Parse(word, CultureInfo.InvariantCulture);
        long found = field(word) ?? throw new ScriptException(line, $"'{word}' is not a field that can be read here");
        _used.Add($"{word} = {found}");
        return found;
    }

    private string? TakeOperator(params ReadOnlySpan<string> operators)
    {
        SkipBlank();
        foreach (string each in operators)
        {
            if (string.CompareOrdinal(text, _at, each, 0, each.Length) != 0) continue;
            _at += each.Length;
            return each;
        }
        return null;
    }

    private bool TryTake(string word)
    {
        SkipBlank();
        if (string.CompareOrdinal(text, _at, word, 0, word.Length) != 0) return false;
        int end = _at + word.Length;
        if (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] == '_')) return false;
        _at = end;
        return true;
    }

    private void SkipBlank()
    {
        while (_at < text.Length && char.IsWhiteSpace(text[_at])) _at++;
    }

    private ScriptException Error() => new(line, $"'{text[_at..]}' is not understood");
}
