using System.Text.RegularExpressions;

namespace Ginnel.PacketScripts.Syntax;

/// <summary>Reads packetdrill's notation into a <see cref="Script"/>; see <see cref="PacketParser"/> and <see cref="ValueParser"/>.</summary>
internal sealed partial class Parser
{
    // What the kernel's runner passes on its command line; a script's own --define comes after.
    private readonly Dictionary<string, string> _defines = new() { ["CMSG_LEVEL_IP"] = "SOL_IP", ["CMSG_TYPE_RECVERR"] = "IP_RECVERR" };
    private readonly Cursor _cursor;

    private Parser(string text) => _cursor = new Cursor(text);

    /// <exception cref="ScriptException">The text is no script.</exception>
    internal static Script Parse(string name, string text)
    {
        var parser = new Parser(text.ReplaceLineEndings("\n"));
        List<ScriptOption> options = parser.ParseOptions();
        List<ScriptEvent> events = [];
        while (!parser._cursor.AtEnd) events.Add(parser.ParseEvent());
        return new Script(name, options, events);
    }

    private List<ScriptOption> ParseOptions()
    {
        List<ScriptOption> options = [];
        while (_cursor.TryTake("--"))
        {
            int line = _cursor.Line;
            string[] parts = TrailingComment().Replace(_cursor.TakeLine(), "").Split('=', 2);
            string name = parts[0].Trim();
            string value = parts.Length > 1 ? parts[1].Trim() : "";
            if (name == "define") Define(line, value);
            else options.Add(new ScriptOption(line, name, value.Trim('"')));
        }
        return options;
    }

    private void Define(int line, string text)
    {
        string[] parts = text.Split('=', 2);
        if (parts.Length != 2) throw new ScriptException(line, $"--define={text} is not of the form --define=NAME=value");
        _defines[parts[0]] = parts[1];
    }

    private ScriptEvent ParseEvent()
    {
        int line = _cursor.Line;
        // A command or code without a time happens when its turn comes.
        EventTime time = _cursor.Peek is '`' or '%' ? new EventTime(TimeKind.Relative, TimeSpan.Zero, null, null) : ParseTime();
        if (_cursor.AtEnd) throw _cursor.Error("a time without an event");
        line = Math.Max(line, _cursor.Line);
        ScriptAction action = ParseAction();
        CheckTime(line, time, action);
        return new ScriptEvent(line, time, action);
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

    private static void CheckTime(int line, EventTime time, ScriptAction action)
    {
        bool expected = action is PacketAction { IsInbound: false };
        if (time.Kind == TimeKind.Any && !expected) throw new ScriptException(line, "the time * is for packets that the stack sends");
        if (time.End is { } end && !expected) throw new ScriptException(line, $"a range of time is for packets that the stack sends, not up to {end}");
        if (time.End < time.Start) throw new ScriptException(line, "the range of time runs backwards");
        if (time.BlockedUntil is not { } until) return;
        if (action is not SystemCall) throw new ScriptException(line, "only a call can block");
        if (until < time.Start) throw new ScriptException(line, "the call returns before it begins");
    }

    private ScriptAction ParseAction()
    {
        if (_cursor.TryTake("`")) return new CommandAction(_cursor.TakeUntil("`").Trim());
        if (_cursor.TryTake("%{")) return new CodeAction(_cursor.TakeUntil("}%"));
        if (_cursor.TryTake("<")) return new PacketParser(_cursor, isInbound: true).Parse();
        if (_cursor.TryTake(">")) return new PacketParser(_cursor, isInbound: false).Parse();
        string word = _cursor.TakeWord();
        if (_defines.TryGetValue(word, out string? command) && command.StartsWith('`')) return new CommandAction(command.Trim('`'));
        return ParseCall(word);
    }

    private SystemCall ParseCall(string name)
    {
        var values = new ValueParser(_cursor, _defines);
        _cursor.Take("(");
        List<Value> arguments = values.ParseList(")");
        _cursor.Take("=");
        Value result = _cursor.TryTake("?") ? EllipsisValue.Instance : values.Parse();
        string? errno = _cursor.Peek == 'E' ? _cursor.TakeWord() : null;
        // What the result means stands in parentheses, for people.
        if (_cursor.TryTake("(")) _cursor.TakeUntil(")");
        return new SystemCall(name, arguments, result, errno);
    }

    [GeneratedRegex(@"\s//.*$|\s/\*.*\*/\s*$")]
    private static partial Regex TrailingComment();
}
