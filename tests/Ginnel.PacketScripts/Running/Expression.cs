using System.Globalization;
using Ginnel.PacketScripts.Syntax;

namespace Ginnel.PacketScripts.Running;

/// <summary>
/// A numeric expression in Python's notation; truth is anything but zero. Precedence from loose to tight: conditional, or, and, not,
/// comparison (chained, with <c>in</c>), bitwise, shift, sum, product, sign, power. Functions: abs, min, max, int, float, round, len of nothing.
/// </summary>
internal sealed class Expression(int line, string text, Func<string, double?> field)
{
    private readonly List<string> _used = [];
    private int _at;
    private int _depth;

    /// <summary>The fields that were read, with their values, for the message of a failure.</summary>
    internal string Used => string.Join(", ", _used.Distinct());

    /// <summary>What stands behind the expression: nothing, or a comma and a message for people.</summary>
    internal string Rest => text[_at..].Trim();

    internal double Evaluate()
    {
        double value = Conditional();
        SkipBlank();
        if (_at < text.Length && text[_at] != ',') throw Error();
        return value;
    }

    private double Conditional()
    {
        if (++_depth > 200) throw new ScriptException(line, "the expression is nested too deeply");
        double value = Or();
        if (TryTake("if"))
        {
            bool condition = Or() != 0;
            if (!TryTake("else")) throw Error();
            double otherwise = Conditional();
            value = condition ? value : otherwise;
        }
        _depth--;
        return value;
    }

    private double Or()
    {
        double value = And();
        while (TryTake("or"))
        {
            double right = And();
            value = value != 0 ? value : right;
        }
        return value;
    }

    private double And()
    {
        double value = Not();
        while (TryTake("and"))
        {
            double right = Not();
            value = value == 0 ? value : right;
        }
        return value;
    }

    private double Not() => TryTake("not") ? Not() == 0 ? 1 : 0 : Comparison();

    private double Comparison()
    {
        double left = Bits();
        bool holds = true;
        bool compared = false;
        while (true)
        {
            bool negated = TryTake("not");
            if (TryTake("in")) { (holds, compared) = (holds & (Members().Contains(left) != negated), true); continue; }
            if (negated) throw Error();
            if (TakeOperator("==", "!=", "<>", "<=", ">=", "<", ">") is not { } comparison) break;
            double right = Bits();
            holds &= comparison switch
            {
                "==" => left == right, "!=" or "<>" => left != right, "<=" => left <= right, ">=" => left >= right, "<" => left < right, _ => left > right,
            };
            compared = true;
            left = right;
        }
        return compared ? holds ? 1 : 0 : left;
    }

    private List<double> Members()
    {
        string close = TakeOperator("(", "[") switch { "(" => ")", "[" => "]", _ => throw Error() };
        List<double> members = [];
        while (TakeOperator(close) is null)
        {
            members.Add(Conditional());
            TakeOperator(",");
            if (_at >= text.Length) throw Error();
        }
        return members;
    }

    private double Bits()
    {
        double value = Shift();
        while (TakeOperator("|", "&", "^") is { } sign)
        {
            long right = (long)Shift();
            value = sign switch { "|" => (long)value | right, "&" => (long)value & right, _ => (long)value ^ right };
        }
        return value;
    }

    private double Shift()
    {
        double value = Sum();
        while (TakeOperator("<<", ">>") is { } sign)
        {
            int by = (int)Math.Clamp(Sum(), 0, 62);
            value = sign == "<<" ? (long)value << by : (long)value >> by;
        }
        return value;
    }

    private double Sum()
    {
        double value = Product();
        while (TakeOperator("+", "-") is { } sign) value = sign == "+" ? value + Product() : value - Product();
        return value;
    }

    private double Product()
    {
        double value = Unary();
        while (TakeOperator("**", "*", "//", "/", "%") is { } sign)
        {
            double right = Unary();
            if (right == 0 && sign is "/" or "//" or "%") throw new ScriptException(line, "division by zero");
            value = sign switch
            {
                "**" => Math.Pow(value, right), "*" => value * right, "//" => Math.Floor(value / right), "%" => value - right * Math.Floor(value / right),
                _ => value / right,
            };
        }
        return value;
    }

    private double Unary()
    {
        if (TakeOperator("-") is not null) return -Unary();
        if (TakeOperator("+") is not null) return Unary();
        return TakeOperator("~") is not null ? ~(long)Unary() : Primary();
    }

    private double Primary()
    {
        if (TakeOperator("(") is not null)
        {
            double value = Conditional();
            if (TakeOperator(")") is null) throw Error();
            return value;
        }
        SkipBlank();
        int start = _at;
        while (_at < text.Length && (char.IsAsciiLetterOrDigit(text[_at]) || text[_at] is '_' or '.')) _at++;
        string word = text[start.._at];
        if (word.Length == 0) throw Error();
        if (char.IsAsciiDigit(word[0]) || word[0] == '.') return Number(word);
        if (_at < text.Length && text[_at] == '(') return Call(word);
        double found = word switch { "True" => 1, "False" or "None" => 0, _ => field(word) ?? throw new ScriptException(line, $"'{word}' is not a field that can be read here") };
        _used.Add($"{word} = {found.ToString(CultureInfo.InvariantCulture)}");
        return found;
    }

    private double Number(string word)
    {
        if (word.StartsWith("0x", StringComparison.OrdinalIgnoreCase) && long.TryParse(word.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out long hex)) return hex;
        if (double.TryParse(word.TrimEnd('L'), NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out double number)) return number;
        throw new ScriptException(line, $"'{word}' is no number");
    }

    private double Call(string function)
    {
        List<double> arguments = Members();
        return (function, arguments.Count) switch
        {
            ("abs", 1) => Math.Abs(arguments[0]),
            ("min", > 0) => arguments.Min(),
            ("max", > 0) => arguments.Max(),
            ("int", 1) => Math.Truncate(arguments[0]),
            ("float", 1) => arguments[0],
            ("round", 1) => Math.Round(arguments[0], MidpointRounding.ToEven),
            _ => throw new ScriptException(line, $"the function {function} of {arguments.Count} is not known (abs, min, max, int, float, round)"),
        };
    }

    private string? TakeOperator(params ReadOnlySpan<string> operators)
    {
        SkipBlank();
        foreach (string each in operators)
        {
            if (string.CompareOrdinal(text, _at, each, 0, each.Length) != 0) continue;
            // Not the first half of a longer sign.
            if (each is "<" or ">" && _at + 1 < text.Length && text[_at + 1] == each[0]) continue;
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
        while (_at < text.Length && (char.IsWhiteSpace(text[_at]) || text[_at] == '\\')) _at++;
    }

    private ScriptException Error() => new(line, $"'{text[_at..]}' is not understood");
}
