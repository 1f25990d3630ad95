namespace Ginnel.Interop.WireGuard;

/// <summary>A clock that runs faster than the process's by a factor, so that minutes of the protocol pass in seconds; it begins at the true time.</summary>
internal sealed class ScaledTime(int factor) : TimeProvider
{
    private readonly DateTimeOffset _start = System.GetUtcNow();
    private readonly long _origin = System.GetTimestamp();

    public override long TimestampFrequency => System.TimestampFrequency;

    public override long GetTimestamp() => _origin + ((System.GetTimestamp() - _origin) * factor);

    public override DateTimeOffset GetUtcNow() => _start + (System.GetElapsedTime(_origin) * factor);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        new ScaledTimer(System.CreateTimer(callback, state, Shorten(dueTime, factor), Shorten(period, factor)), factor);

    private static TimeSpan Shorten(TimeSpan time, int factor) => time <= TimeSpan.Zero ? time : time / factor;

    private sealed class ScaledTimer(ITimer timer, int factor) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => timer.Change(Shorten(dueTime, factor), Shorten(period, factor));

        public void Dispose() => timer.Dispose();

        public ValueTask DisposeAsync() => timer.DisposeAsync();
    }
}
