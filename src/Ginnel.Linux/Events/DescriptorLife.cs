namespace Ginnel.Linux.Events;

/// <summary>
/// The life of a descriptor that is read by one run at a time, written by anybody and disposed of once: closed by whoever is last, for closed under a
/// running loop's feet its number could already be someone else's.
/// </summary>
/// <param name="close">Closes what is held. Called once.</param>
/// <param name="runsAlready">What a second run at the same time is told.</param>
internal sealed class DescriptorLife(Action close, string runsAlready)
{
    private DescriptorReader? _reader;
    private bool _isFull;
    private int _running;
    private int _stopping;

    internal bool IsRunning => Volatile.Read(ref _running) != 0;

    /// <summary>Runs a reader, which calls <see cref="EndRun"/> at its end.</summary>
    /// <exception cref="InvalidOperationException">A run is under way.</exception>
    /// <exception cref="LinuxException">No descriptor is left for a loop, or no room for a watch.</exception>
    internal Task Run(Func<DescriptorReader> make, CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _running, 1) != 0) throw new InvalidOperationException(runsAlready);
        try
        {
            DescriptorReader reader = make();
            Task ended = reader.Start(cancellationToken);
            Volatile.Write(ref _reader, reader);
            // Full or disposed of meanwhile: there was nobody to tell.
            if (Volatile.Read(ref _isFull)) reader.WatchForRoom();
            if (Volatile.Read(ref _stopping) != 0) reader.StopSoon();
            return ended;
        }
        catch
        {
            EndRun();
            throw;
        }
    }

    /// <summary>The run is over.</summary>
    internal void EndRun()
    {
        Volatile.Write(ref _running, 0);
        // Disposed while it ran, or at this very moment: whoever takes the flag closes.
        if (Volatile.Read(ref _stopping) != 0) CloseUnlessRunning();
    }

    /// <summary>A write found no room: the run's reader tells when there is some.</summary>
    internal void NoteFull()
    {
        Volatile.Write(ref _isFull, true);
        Volatile.Read(ref _reader)?.WatchForRoom();
    }

    /// <summary>Closes, or has the run end and close.</summary>
    internal void Dispose()
    {
        if (Interlocked.Exchange(ref _stopping, 1) == 0 && !CloseUnlessRunning()) Volatile.Read(ref _reader)?.StopSoon();
    }

    private bool CloseUnlessRunning()
    {
        if (Interlocked.CompareExchange(ref _running, 1, 0) != 0) return false;
        close();
        return true;
    }
}
