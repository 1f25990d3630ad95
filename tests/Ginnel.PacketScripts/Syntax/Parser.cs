namespace Ginnel.PacketScripts.Syntax;

/// <summary>Reads packetdrill's notation into a <see cref="Script"/>; see <see cref="SegmentParser"/> for packets.</summary>
internal sealed class Parser
{
    private readonly Cursor _cursor;

    private Parser(string text) => _cursor = new Cursor(text);

    /// <exception cref="ScriptException">The text is no script.</exception>
    internal static Script Parse(string name, string text)
    {
        var parser = new Parser(text);
        Dictionary<string, string> options = parser.ParseOptions();
        List<ScriptEvent> events = [];
        while (!parser._cursor.AtEnd) events.Add(parser.ParseEvent());
        return new Script(name, options, events);
    }

    private Dictionary<string, string> ParseOptions()
    {
        Dictionary<string, string> options = [];
        while (_cursor.TryTake("--"))
        {
            string[] parts = _cursor.TakeLine().Split('=', 2);
            options[parts[0].Trim()] = parts.Length > 1 ? parts[1].Trim() : "";
        }
        return options;
    }

    private ScriptEvent ParseEvent()
    {
        // A command or code without a time happens when its turn comes.
        EventTime time = _cursor.Peek is '`' or '%' ? new EventTime(TimeKind.Relative, TimeSpan.Zero, null, null) : ParseTime();
        int line = _cursor.AtEnd ? throw _cursor.Error("a time without an event") : _cursor.Line;
        return new ScriptEvent(line, time, ParseAction());
    }

    private EventTime ParseTime()
    {
        if (_cursor.TryTake("*")) return new EventTime(TimeKind.Any, TimeSpan.Zero, null, null);
        bool relative = _cursor.TryTake("+");
        TimeSpan start = _cursor.TakeSeconds();
        TimeSpan? end = null;
        TimeSpan? blocked = null;
        if (_cursor.TryTake("..."))
        {
            _cursor.TryTake("+");
            blocked = _cursor.TakeSeconds();
        }
        else if (_cursor.TryTake("~"))
        {
            _cursor.TryTake("+");
            end = _cursor.TakeSeconds();
        }
        return new EventTime(relative ? TimeKind.Relative : TimeKind.Absolute, start, end, blocked);
    }

    private ScriptAction ParseAction()
    {
        if (_cursor.TryTake("`")) return new CommandAction(_cursor.TakeUntil("`").Trim());
        if (_cursor.TryTake("%{")) return new CodeAction(_cursor.TakeUntil("}%"));
        if (_cursor.TryTake("<")) return SegmentParser.Parse(_cursor, isInbound: true);
        if (_cursor.TryTake(">")) return SegmentParser.Parse(_cursor, isInbound: false);
        return ParseCall();
    }

    private SystemCall ParseCall()
    {
        string name = _cursor.TakeWord();
        _cursor.Take("(");
        List<string> arguments = [];
        while (!_cursor.TryTake(")"))
        {
            arguments.Add(_cursor.TakeArgument());
            _cursor.TryTake(",");
            if (_cursor.AtEnd) throw _cursor.Error($"'{name}(' is not closed");
        }
        _cursor.Take("=");
        string result = _cursor.TryTake("?") ? "?" : (_cursor.TryTake("-") ? "-" : "") + _cursor.TakeWord();
        string? errno = _cursor.Peek == 'E' ? _cursor.TakeWord() : null;
        // What the error means stands in parentheses, for people.
        if (_cursor.TryTake("(")) _cursor.TakeUntil(")");
        return new SystemCall(name, arguments, result, errno);
    }
}
