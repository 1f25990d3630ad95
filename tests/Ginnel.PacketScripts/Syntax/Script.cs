namespace Ginnel.PacketScripts.Syntax;

/// <summary>A script as it was written: options and events in order.</summary>
/// <param name="Name">The file, for messages.</param>
/// <param name="Options">What stands before the events as <c>--name=value</c>.</param>
/// <param name="Events">The events.</param>
internal sealed record Script(string Name, IReadOnlyList<ScriptOption> Options, IReadOnlyList<ScriptEvent> Events);

/// <summary>One <c>--name=value</c>.</summary>
internal sealed record ScriptOption(int Line, string Name, string Value);

/// <summary>Something that happens, or has to be seen, at a time.</summary>
internal sealed record ScriptEvent(int Line, EventTime Time, ScriptAction Action);

/// <summary>When: absolute, relative to the event before, in a range (<c>~</c>), or at any time (<c>*</c>).</summary>
/// <param name="Kind">How to read the rest.</param>
/// <param name="Start">The time, or the range's begin.</param>
/// <param name="End">The range's end, where there is one.</param>
/// <param name="BlockedUntil">Behind <c>...</c>: when the system call returns.</param>
internal readonly record struct EventTime(TimeKind Kind, TimeSpan Start, TimeSpan? End, TimeSpan? BlockedUntil);

internal enum TimeKind { Absolute, Relative, Any }

internal abstract record ScriptAction;

/// <summary><c>read(4, ..., 1000) = 1000</c>.</summary>
internal sealed record SystemCall(string Name, IReadOnlyList<Value> Arguments, Value Result, string? Errno) : ScriptAction
{
    /// <summary>The argument, or an ellipsis where the script wrote fewer.</summary>
    internal Value this[int index] => index < Arguments.Count ? Arguments[index] : EllipsisValue.Instance;
}

/// <summary>Text between backticks; never executed, only read for settings that are known.</summary>
internal sealed record CommandAction(string Text) : ScriptAction;

/// <summary>Text between <c>%{</c> and <c>}%</c>.</summary>
internal sealed record CodeAction(string Text) : ScriptAction;

/// <summary>The script cannot be read, asks for something that the interpreter does not have, or saw the stack do something else.</summary>
internal sealed class ScriptException(int line, string message) : Exception($"line {line}: {message}")
{
    internal int Line => line;
}
