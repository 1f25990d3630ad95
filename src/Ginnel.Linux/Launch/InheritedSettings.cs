using Ginnel.Linux.Native;

namespace Ginnel.Linux.Launch;

/// <summary>
/// What a child can only inherit: posix_spawn sets signals to default, but ignores none, and knows no limits. So this process has them as
/// the child is to have them, for the moment that a spawn takes.
/// </summary>
internal unsafe ref struct InheritedSettings
{
    private const int SignalKill = 9, SignalStop = 19, FirstOfThreads = 32, SecondOfThreads = 33;
    private const nint Ignore = 1;

    private readonly ulong _ignored;
    private readonly byte[]? _formerActions;
    private readonly Processes.ResourceLimit _formerLimit;
    private readonly bool _isLimited;

    /// <summary>Sets them until disposed of.</summary>
    /// <param name="ignored">Signals to ignore: bit n-1 for signal n.</param>
    /// <param name="softOpenFiles">The soft limit of open descriptors; null leaves it.</param>
    public InheritedSettings(ulong ignored, ulong? softOpenFiles)
    {
        foreach (int signal in (ReadOnlySpan<int>)[SignalKill, SignalStop, FirstOfThreads, SecondOfThreads]) ignored &= ~InheritedState.Bit(signal);
        _ignored = ignored;
        if (ignored != 0) _formerActions = new byte[64 * Processes.OpaqueSize];
        byte* ignoring = stackalloc byte[Processes.OpaqueSize];
        new Span<byte>(ignoring, Processes.OpaqueSize).Clear();
        *(nint*)ignoring = Ignore;
        for (int signal = 1; signal <= 64; signal++)
        {
            if ((ignored & InheritedState.Bit(signal)) == 0) continue;
            fixed (byte* former = Action(signal)) _ = Processes.sigaction(signal, ignoring, former);
        }
        if (softOpenFiles is not { } soft) return;
        Processes.ResourceLimit limit;
        if (Processes.prlimit(0, Processes.ResourceNoFile, null, &limit) != 0) return;
        _formerLimit = limit;
        limit.Soft = Math.Min(soft, limit.Hard);
        _isLimited = limit.Soft != _formerLimit.Soft && Processes.prlimit(0, Processes.ResourceNoFile, &limit, null) == 0;
    }

    /// <summary>As it was before.</summary>
    public readonly void Dispose()
    {
        if (_isLimited)
        {
            Processes.ResourceLimit limit = _formerLimit;
            _ = Processes.prlimit(0, Processes.ResourceNoFile, &limit, null);
        }
        for (int signal = 1; signal <= 64; signal++)
        {
            if ((_ignored & InheritedState.Bit(signal)) == 0) continue;
            fixed (byte* former = Action(signal)) _ = Processes.sigaction(signal, former, null);
        }
    }

    private readonly Span<byte> Action(int signal) => _formerActions.AsSpan((signal - 1) * Processes.OpaqueSize, Processes.OpaqueSize);
}
