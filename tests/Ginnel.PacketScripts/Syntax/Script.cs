namespace Ginnel.PacketScripts.Syntax;

/// <summary>A script as it was written: options and events in order.</summary>
/// <param name="Name">The file, for messages.</param>
/// <param name="Options">What stands before the events as <c>--name=value</c>.</param>
/// <param name="Events">The events.</param>
internal sealed record Script(string Name, IReadOnlyDictionary<string, string> Options, IReadOnlyList<ScriptEvent> Events);

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

/// <summary><c>read(4, ..., 1000) = 1000</c>. Arguments stay text: what they mean is the call's matter.</summary>
internal sealed record SystemCall(string Name, IReadOnlyList<string> Arguments, string Result, string? Errno) : ScriptAction;

/// <summary>A TCP segment, injected (<c>&lt;</c>) or expected (<c>&gt;</c>).</summary>
internal sealed record TcpAction(bool IsInbound, TcpText Segment) : ScriptAction;

/// <summary>An ICMP error that quotes a segment of ours, injected or expected.</summary>
internal sealed record IcmpAction(bool IsInbound, string Type, string? Code, int Mtu, uint QuotedSequence, int QuotedLength) : ScriptAction;

/// <summary>Text between backticks; never executed, only read for settings that are known.</summary>
internal sealed record CommandAction(string Text) : ScriptAction;

/// <summary>Text between <c>%{</c> and <c>}%</c>.</summary>
internal sealed record CodeAction(string Text) : ScriptAction;

/// <summary>A segment as written.</summary>
/// <param name="Flags">Letters of <c>FSRPEWU</c> and a dot for ACK.</param>
/// <param name="Sequence">First number, relative to the direction's first.</param>
/// <param name="Length">Payload octets.</param>
/// <param name="Acknowledgment">Behind <c>ack</c>.</param>
/// <param name="Window">Behind <c>win</c>; unscaled as on the wire.</param>
/// <param name="Urgent">Behind <c>urg</c>.</param>
/// <param name="Options">In order; null for <c>&lt;...&gt;</c>, which matches all; empty when none are written.</param>
internal sealed record TcpText(
    string Flags, uint Sequence, int Length, uint? Acknowledgment, int? Window, int? Urgent, IReadOnlyList<TcpOption>? Options);

/// <summary>One option: its name and its numbers (a SACK option has two for each block).</summary>
internal sealed record TcpOption(string Name, IReadOnlyList<uint> Values);

/// <summary>The script cannot be read, or asks for something that the interpreter does not have.</summary>
internal sealed class ScriptException(int line, string message) : Exception($"line {line}: {message}");
