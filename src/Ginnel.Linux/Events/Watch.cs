namespace Ginnel.Linux.Events;

/// <summary>Something whose descriptor an <see cref="EventLoop"/> watches.</summary>
internal abstract class Watch
{
    /// <summary>The loop's name for it; 0 while it is not watched.</summary>
    internal ulong Token { get; set; }

    /// <summary>The descriptor is ready. On the loop's thread; late calls after <see cref="EventLoop.Remove"/> are possible from no thread but that.</summary>
    /// <param name="events">A set of <see cref="Native.Polling"/>'s.</param>
    internal abstract void OnReady(uint events);
}
