using Ginnel.PacketScripts.Syntax;

namespace Ginnel.PacketScripts.Running;

/// <summary>
/// Runs a script against a stack in virtual time. As in packetdrill one call may block while packets go on; it is tried again after
/// every step, and has to return within its time. <paramref name="strict"/>: whatever the stack sends must be expected.
/// </summary>
internal sealed class ScriptRunner(Script script, bool strict)
{
    private readonly Profile _profile = new();
    private readonly NumberMap _numbers = new();
    private StackUnderTest? _subject;
    private SocketCalls? _calls;
    private TimeSpan _lastEvent;
    private BlockedCall? _blocked;

    private sealed record BlockedCall(int Line, SystemCall Call, TimeSpan Until);

    /// <exception cref="ScriptException">The stack did something else, or the script cannot be run.</exception>
    internal void Run()
    {
        _profile.Apply(script.Options);
        foreach (ScriptEvent next in script.Events) Execute(next);
        if (_blocked is { } blocked) FinishBlocked(blocked);
        if (_subject is null) throw new ScriptException(1, "the script does nothing");
        _subject.Collect();
        if (strict && _subject.TryTakeSeen(out SeenPacket extra))
            throw new ScriptException(script.Events[^1].Line, $"at the end the stack had also sent at {Seconds(extra.At)}: {new SegmentMatcher(_numbers).Describe(extra)}");
    }

    private void Execute(ScriptEvent next)
    {
        if (next.Action is CommandAction command)
        {
            if (_subject is not null) throw new ScriptException(next.Line, "settings must stand before the first call or packet");
            _profile.Command(next.Line, command.Text);
            return;
        }
        if (_subject is null)
        {
            _subject = new StackUnderTest(_profile);
            _calls = new SocketCalls(_subject, _profile);
        }
        TimeSpan offset = next.Time.Kind == TimeKind.Absolute ? TimeSpan.Zero : _lastEvent;
        TimeSpan at = offset + next.Time.Start;
        if (next.Time.Kind == TimeKind.Absolute && at < _lastEvent) throw new ScriptException(next.Line, $"the time {Seconds(at)} is before that of the last event");
        if (next.Action is TcpAction { IsInbound: false } or IcmpAction { IsInbound: false }) { Expect(next, at, offset + (next.Time.End ?? next.Time.Start)); return; }
        AdvanceTo(at);
        _lastEvent = at;
        switch (next.Action)
        {
            case SystemCall call: MakeCall(next, call, offset); break;
            case TcpAction segment: Inject(new SegmentBuilder(_profile, _numbers).Build(segment.Segment, _calls!.LocalPort, SocketCalls.RemotePort)); break;
            case IcmpAction icmp: Inject(new SegmentBuilder(_profile, _numbers).Build(next.Line, icmp, _calls!.LocalPort, SocketCalls.RemotePort)); break;
            case CodeAction code: new Assertion(_subject, _calls!.Connection).Check(next.Line, code.Text); break;
        }
    }

    private void Inject(byte[] packet)
    {
        _subject!.Inject(packet);
        RetryBlocked();
    }

    /// <summary>Waits for the next packet of the stack, which has to come in time and be the right one.</summary>
    private void Expect(ScriptEvent expected, TimeSpan from, TimeSpan to)
    {
        bool any = expected.Time.Kind == TimeKind.Any;
        TimeSpan limit = any ? _subject!.Elapsed + TimeSpan.FromHours(3) : to + _profile.Tolerance;
        _subject!.Collect();
        while (_subject.SeenCount == 0 && _subject.Step(limit)) RetryBlocked();
        SegmentMatcher matcher = new(_numbers);
        if (!_subject.TryTakeSeen(out SeenPacket packet)) throw new ScriptException(expected.Line, $"nothing was sent until {Seconds(limit)}");
        if (matcher.Compare(packet, expected.Action) is { } difference)
            throw new ScriptException(expected.Line, $"{difference}; at {Seconds(packet.At)} the stack sent {matcher.Describe(packet)}");
        if (!any && (packet.At < from - _profile.Tolerance || packet.At > to + _profile.Tolerance))
            throw new ScriptException(expected.Line, $"was sent at {Seconds(packet.At)}, not at {Seconds(from)}: {matcher.Describe(packet)}");
        _lastEvent = any || expected.Time.End is not null ? packet.At : from;
    }

    private void AdvanceTo(TimeSpan time)
    {
        while (_subject!.Step(time)) RetryBlocked();
        RetryBlocked();
    }

    private void MakeCall(ScriptEvent next, SystemCall call, TimeSpan offset)
    {
        if (_blocked is { } blocked) FinishBlocked(blocked);
        CallResult result = _calls!.Call(next.Line, call, again: false);
        if (next.Time.BlockedUntil is not { } until) { Check(next.Line, call, result); return; }
        if (!result.Blocks) throw new ScriptException(next.Line, $"{call.Name} returned {result} at once instead of blocking");
        _blocked = new BlockedCall(next.Line, call, offset + until);
    }

    private void RetryBlocked()
    {
        if (_blocked is not { } blocked) return;
        CallResult result = _calls!.Call(blocked.Line, blocked.Call, again: true);
        if (result.Blocks) return;
        _blocked = null;
        Check(blocked.Line, blocked.Call, result);
        TimeSpan error = _subject!.Elapsed - blocked.Until;
        if (error.Duration() > _profile.Tolerance)
            throw new ScriptException(blocked.Line, $"{blocked.Call.Name} returned at {Seconds(_subject.Elapsed)}, not at {Seconds(blocked.Until)}");
    }

    private void FinishBlocked(BlockedCall blocked)
    {
        AdvanceTo(blocked.Until + _profile.Tolerance);
        if (_blocked is not null) throw new ScriptException(blocked.Line, $"{blocked.Call.Name} still blocks at {Seconds(_subject!.Elapsed)}");
    }

    private static void Check(int line, SystemCall call, CallResult result)
    {
        if (result.Blocks) throw new ScriptException(line, $"{call.Name} blocks");
        if (call.Result == "?") return;
        string expected = call.Errno is null ? call.Result : $"{call.Result} {call.Errno}";
        if (call.Name == "fcntl" && call.Errno is null && result.Errno is null) return;
        if (result.ToString() != expected) throw new ScriptException(line, $"{call.Name} returned {result}, not {expected}");
    }

    private static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("0.000000", System.Globalization.CultureInfo.InvariantCulture) + " s";
}
