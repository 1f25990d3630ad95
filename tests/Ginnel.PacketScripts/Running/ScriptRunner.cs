using Ginnel.PacketScripts.Calls;
using Ginnel.PacketScripts.Syntax;

namespace Ginnel.PacketScripts.Running;

/// <summary>
/// Runs a script against a stack in virtual time. As in packetdrill one call may block while packets and other calls go on; it is tried
/// again after every step, and has to return within its time. <paramref name="strict"/>: whatever the stack sends must be expected.
/// </summary>
internal sealed class ScriptRunner(Script script, SystemKind system, bool strict)
{
    private readonly Profile _profile = new(system);
    private readonly Snippets _snippets = new();
    private const int MostSteps = 10_000_000;
    private int _steps;
    private StackUnderTest? _subject;
    private SocketCalls? _calls;
    private TimeSpan _lastEvent;
    private BlockedCall? _blocked;

    private sealed record BlockedCall(PendingCall Pending, TimeSpan Until);

    /// <exception cref="ScriptException">The stack did something else, or the script cannot be run.</exception>
    internal void Run()
    {
        _profile.Apply(script.Options);
        for (int i = 0; i < script.Events.Count; i++) Execute(script.Events[i], isLast: i == script.Events.Count - 1);
        if (_blocked is { } blocked) FinishBlocked(blocked);
        if (_subject is null) throw new ScriptException(1, "the script does nothing");
        _subject.Collect();
        while (strict && _subject.TryTakeSeen(out SeenPacket extra))
        {
            if (extra.IsHousekeeping) continue;
            throw new ScriptException(script.Events[^1].Line, $"at the end the stack had also sent at {Expectation.Seconds(extra.At)}: {extra.Describe(_calls!.Flows.Current)}");
        }
    }

    private void Execute(ScriptEvent next, bool isLast)
    {
        if (next.Action is CommandAction command && (_subject is null || isLast))
        {
            // The last command restores settings, after everything that could be changed by them.
            new CommandReader(_subject is null ? _profile : new Profile(system)).Read(next.Line, command.Text);
            return;
        }
        Begin();
        // Relative times count from when the event before was over.
        TimeSpan offset = next.Time.Kind == TimeKind.Absolute ? TimeSpan.Zero : _subject!.Elapsed;
        TimeSpan at = offset + next.Time.Start;
        if (next.Time.Kind == TimeKind.Absolute && at < _lastEvent && at + _profile.Tolerance < _subject!.Elapsed)
            throw new ScriptException(next.Line, $"the time {Expectation.Seconds(at)} is before that of the last event");
        TimeSpan tolerance = Longer(_profile.Tolerance, (at - _lastEvent) * _profile.TolerancePart);
        _lastEvent = at;
        if (next.Action is PacketAction { IsInbound: false })
        {
            new Expectation(_subject!, _profile, _calls!.Flows, Step, strict).Meet(next, at, offset + (next.Time.End ?? next.Time.Start), tolerance);
            return;
        }
        AdvanceTo(at);
        Act(next, offset);
    }

    private void Begin()
    {
        if (_subject is not null) return;
        OptionScan.Apply(script, _profile);
        _profile.Freeze();
        _subject = new StackUnderTest(_profile);
        _calls = new SocketCalls(_subject, _profile);
    }

    private void Act(ScriptEvent next, TimeSpan offset)
    {
        switch (next.Action)
        {
            case SystemCall call: MakeCall(next, call, offset); break;
            case PacketAction packet:
                _subject!.Inject(new PacketBuilder(_profile, _calls!.Flows.For(packet)).Build(next.Line, packet));
                RetryBlocked();
                break;
            case CodeAction code: _snippets.Run(next.Line, code.Text, new InfoFields(_subject!, _calls!.Connection).Find); break;
            case CommandAction command when StateQuery.TryParse(command.Text, out StateQuery? query): query!.Check(next.Line, new InfoFields(_subject!, _calls!.Connection)); break;
            case CommandAction command: AdvanceTo(_subject!.Elapsed + new CommandReader(_profile).Read(next.Line, command.Text)); break;
        }
    }

    private bool Step(TimeSpan limit)
    {
        if (++_steps > MostSteps) throw new ScriptException(script.Events[^1].Line, $"the script took more than {MostSteps} steps");
        bool more = _subject!.Step(_blocked is { } blocked && GivesUpAt(blocked) is { } end && end > _subject.Elapsed && end < limit ? end : limit);
        RetryBlocked();
        return more || _subject.Elapsed < limit;
    }

    private static TimeSpan? GivesUpAt(BlockedCall blocked) => ReadinessCalls.GivesUpAt(blocked.Pending);

    private void AdvanceTo(TimeSpan time)
    {
        while (Step(time)) { }
        RetryBlocked();
    }

    private void MakeCall(ScriptEvent next, SystemCall call, TimeSpan offset)
    {
        if (next.Time.BlockedUntil is not null && _blocked is { } former) FinishBlocked(former);
        var pending = new PendingCall(next.Line, call, _subject!.Elapsed);
        CallResult result = _calls!.Call(pending);
        if (next.Time.BlockedUntil is { } until && result.Blocks) { _blocked = new BlockedCall(pending, offset + until); return; }
        Check(pending, result);
        if (next.Time.BlockedUntil is { } late && offset + late - _subject.Elapsed > _profile.Tolerance)
            throw new ScriptException(next.Line, $"{call.Name} returned {result} at once, not at {Expectation.Seconds(offset + late)}");
    }

    private void RetryBlocked()
    {
        if (_blocked is not { } blocked) return;
        CallResult result = _calls!.Call(blocked.Pending);
        if (result.Blocks) return;
        _blocked = null;
        Check(blocked.Pending, result);
        TimeSpan error = _subject!.Elapsed - blocked.Until;
        if (error.Duration() > _profile.Tolerance)
            throw new ScriptException(blocked.Pending.Line, $"{blocked.Pending.Name} returned at {Expectation.Seconds(_subject.Elapsed)}, not at {Expectation.Seconds(blocked.Until)}");
    }

    private void FinishBlocked(BlockedCall blocked)
    {
        AdvanceTo(Longer(blocked.Until + _profile.Tolerance, _subject!.Elapsed));
        if (_blocked is not null) throw new ScriptException(blocked.Pending.Line, $"{blocked.Pending.Name} still blocks at {Expectation.Seconds(_subject!.Elapsed)}");
    }

    private static void Check(PendingCall pending, CallResult result)
    {
        SystemCall call = pending.Call;
        if (result.Blocks) throw new ScriptException(pending.Line, $"{call.Name} blocks");
        if (call.Result is EllipsisValue) return;
        long wanted = call.Result.Number ?? throw new ScriptException(pending.Line, $"the result {call.Result} is no number");
        // Whether F_GETFL shows access modes differs between systems; F_SETFL returns nothing else than success.
        if (call.Name == "fcntl" && call.Errno is null && result.Errno is null) return;
        // A failure whose error the script does not name may be any.
        string expected = call.Errno is null ? wanted.ToString(System.Globalization.CultureInfo.InvariantCulture) : $"{wanted} {call.Errno}";
        if (call.Errno is null && wanted < 0 ? result.Value != wanted : result.ToString() != expected) throw new ScriptException(pending.Line, $"{call.Name} returned {result}, not {expected}");
    }

    private static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
