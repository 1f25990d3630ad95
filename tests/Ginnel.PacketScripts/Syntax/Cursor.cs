using System.Globalization;

namespace Ginnel.PacketScripts.Syntax;

/// <summary>A place in a script's text. The notation is read without tokens, for <c>.</c> is a flag here, a number's begin there.</summary>
internal sealed class Cursor(string text)
{
    private int _at;

    internal int Line { get; private set; } = 1;

    internal bool AtEnd
    {
        get
        {
            SkipBlank();
            return _at >= text.Length;
        }
    }

    internal char Peek
    {
        get
        {
            SkipBlank();
            return _at < text.Length ? text[_at] : '\0';
        }
    }

    internal ScriptException Error(string message) => new(Line, message);

    /// <summary>Takes the literal if it stands here.</summary>
    internal bool TryTake(string literal)
    {
        SkipBlank();
        if (string.CompareOrdinal(text, _at, literal, 0, literal.Length) != 0) return false;
        // A word must end where the literal does.
        if (char.IsLetter(literal[0]) && _at + literal.Length < text.Length && IsWord(text[_at + literal.Length])) return false;
        _at += literal.Length;
        return true;
    }

    /// <summary>Takes the literal if it stands here with such a character behind it.</summary>
    internal bool TryTakeBefore(string literal, Func<char, bool> next)
    {
        if (!StandsHere(literal) || _at + literal.Length >= text.Length || !next(text[_at + literal.Length])) return false;
        return TryTake(literal);
    }

    internal void Take(string literal)
    {
        if (!TryTake(literal)) throw Error($"'{literal}' expected at '{Rest}'");
    }

    /// <summary>Takes letters, digits and underscores.</summary>
    internal string TakeWord()
    {
        SkipBlank();
        int start = _at;
        while (_at < text.Length && IsWord(text[_at])) _at++;
        if (start == _at) throw Error($"a word expected at '{Rest}'");
        return text[start.._at];
    }

    /// <summary>Takes the characters of a set that stand here together.</summary>
    internal string TakeAny(string set)
    {
        SkipBlank();
        int start = _at;
        while (_at < text.Length && set.Contains(text[_at], StringComparison.Ordinal)) _at++;
        return text[start.._at];
    }

    /// <summary>Takes 0–9, a–f in pairs; empty where none stand.</summary>
    internal byte[] TakeOctets()
    {
        TryTake("0x");
        string digits = TakeAny("0123456789abcdefABCDEF");
        return digits.Length % 2 == 0 ? Convert.FromHexString(digits) : throw Error($"'{digits}' has an odd number of hexadecimal digits");
    }

    internal uint TakeNumber()
    {
        if (TryTake("0x")) return uint.TryParse(TakeAny("0123456789abcdefABCDEF"), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out uint hex)
            ? hex : throw Error("a number of hexadecimal digits expected behind 0x");
        string digits = TakeAny("0123456789");
        return uint.TryParse(digits, CultureInfo.InvariantCulture, out uint number) ? number : throw Error($"a number of 32 bits expected at '{digits}{Rest}'");
    }

    /// <summary>Takes a number that a field of 16 bits holds.</summary>
    internal int TakeShort(string what)
    {
        uint number = TakeNumber();
        return number <= ushort.MaxValue ? (int)number : throw Error($"{what} {number} does not fit into 16 bits");
    }

    /// <summary>Takes seconds with a fraction. Three dots behind it are not part of it.</summary>
    internal TimeSpan TakeSeconds()
    {
        SkipBlank();
        int start = _at;
        while (_at < text.Length && char.IsAsciiDigit(text[_at])) _at++;
        if (_at + 1 < text.Length && text[_at] == '.' && char.IsAsciiDigit(text[_at + 1]))
        {
            _at++;
            while (_at < text.Length && char.IsAsciiDigit(text[_at])) _at++;
        }
        if (!decimal.TryParse(text[start.._at], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal seconds))
            throw Error($"a time expected at '{Rest}'");
        return TimeSpan.FromTicks((long)(seconds * TimeSpan.TicksPerSecond));
    }

    /// <summary>Takes everything up to a terminator, which goes too.</summary>
    internal string TakeUntil(string terminator)
    {
        int end = text.IndexOf(terminator, _at, StringComparison.Ordinal);
        if (end < 0) throw Error($"'{terminator}' is missing");
        string taken = text[_at..end];
        Advance(end + terminator.Length);
        return taken;
    }

    /// <summary>Takes to the end of the line.</summary>
    internal string TakeLine()
    {
        int end = text.IndexOf('\n', _at);
        string taken = end < 0 ? text[_at..] : text[_at..end];
        Advance(end < 0 ? text.Length : end);
        return taken.Trim();
    }

    /// <summary>Takes a text in quotation marks, without them.</summary>
    internal string TakeQuoted()
    {
        Take("\"");
        int start = _at;
        int end = start;
        while (end < text.Length && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
        if (end >= text.Length) throw Error("a text is not closed");
        Advance(end + 1);
        return text[start..end];
    }

    /// <summary>Whether the next characters, blanks aside, are these; nothing is taken.</summary>
    internal bool StandsHere(string literal)
    {
        SkipBlank();
        return string.CompareOrdinal(text, _at, literal, 0, literal.Length) == 0;
    }

    private void SkipBlank()
    {
        while (_at < text.Length)
        {
            if (char.IsWhiteSpace(text[_at])) Advance(_at + 1);
            else if (string.CompareOrdinal(text, _at, "//", 0, 2) == 0) TakeLine();
            else if (string.CompareOrdinal(text, _at, "/*", 0, 2) == 0) TakeUntil("*/");
            else if (text[_at] == '#') TakeLine();
            else return;
        }
    }

    private void Advance(int to)
    {
        for (; _at < to; _at++)
        {
            if (text[_at] == '\n') Line++;
        }
    }

    private string Rest => text.Substring(_at, Math.Min(24, text.Length - _at)).ReplaceLineEndings(" ");

    private static bool IsWord(char next) => char.IsAsciiLetterOrDigit(next) || next == '_';
}
