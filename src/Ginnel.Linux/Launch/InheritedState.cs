using Ginnel.Linux.Native;

namespace Ginnel.Linux.Launch;

/// <summary>
/// What this process got from its caller and a child must get again, byte for byte. The .NET runtime changes some of it before
/// Main runs (it ignores SIGPIPE and raises the soft limit of descriptors), so two values can come only from outside.
/// </summary>
internal sealed unsafe class InheritedState
{
    private const int SignalPipe = 13;

    /// <summary>The environment as the kernel holds it: entries that are not UTF-8 or have no '=' included.</summary>
    public required IReadOnlyList<byte[]> Environment { get; init; }

    /// <summary>Signals that the caller ignores: bit n-1 for signal n.</summary>
    public required ulong IgnoredSignals { get; init; }

    /// <summary>Signals that the caller blocks.</summary>
    public required ulong BlockedSignals { get; init; }

    /// <summary>The caller's soft limit of open descriptors, if known.</summary>
    public required ulong? SoftOpenFiles { get; init; }

    /// <summary>The numbers of the descriptors that the caller handed down: those that are not close-on-exec.</summary>
    public required IReadOnlySet<int> Descriptors { get; init; }

    /// <summary>Reads the state of this process. Call it before descriptors are opened that are not close-on-exec.</summary>
    /// <param name="ignoredAtStart">SigIgn before the runtime started, if a launcher script recorded it; only SIGPIPE is taken from
    /// it.</param>
    /// <param name="softOpenFiles">The soft limit before the runtime started, if recorded; else the parent process's is taken.</param>
    public static InheritedState Read(ulong? ignoredAtStart = null, ulong? softOpenFiles = null)
    {
        const string Status = "/proc/self/status";
        // Of the record only SIGPIPE counts: the runtime leaves other ignored signals as they are, and the shell that wrote the record
        // ignores SIGQUIT while it runs. Without a record SIGPIPE is taken for not ignored: that is what a shell gives.
        ulong ignored = ((ProcStatus.Mask(Status, "SigIgn") ?? 0) & ~Bit(SignalPipe)) | ((ignoredAtStart ?? 0) & Bit(SignalPipe));
        return new InheritedState
        {
            Environment = SplitZeros(ReadAll("/proc/self/environ")),
            IgnoredSignals = ignored,
            BlockedSignals = BlockedByThisThread(),
            SoftOpenFiles = softOpenFiles ?? LimitOfParent(),
            Descriptors = FindDescriptors(),
        };
    }

    /// <summary>
    /// The last <paramref name="count"/> arguments of this process as bytes: Main's strings are lossy where they are not UTF-8.
    /// </summary>
    public static IReadOnlyList<byte[]> LastArguments(int count)
    {
        IReadOnlyList<byte[]> all = SplitZeros(ReadAll("/proc/self/cmdline"));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, all.Count);
        return [.. all.Skip(all.Count - count)];
    }

    /// <summary>The bit of a signal in the masks above.</summary>
    public static ulong Bit(int signal) => 1UL << (signal - 1);

    private static ulong? LimitOfParent() =>
        ProcStatus.Number("/proc/self/status", "PPid") is { } parent ? ProcStatus.SoftOpenFiles($"/proc/{parent}/limits") : null;

    /// <summary>
    /// A thread has the mask of who made it. That of another, the first say, cannot be relied on: it blocks all signals for the moment in which it
    /// makes a thread.
    /// </summary>
    private static ulong BlockedByThisThread()
    {
        ulong* set = stackalloc ulong[Processes.SignalSetSize / sizeof(ulong)];
        new Span<byte>(set, Processes.SignalSetSize).Clear();
        return Processes.pthread_sigmask(0, null, set) == 0 ? set[0] : 0;
    }

    private static byte[] ReadAll(string path) => File.ReadAllBytes(path);

    private static IReadOnlyList<byte[]> SplitZeros(ReadOnlySpan<byte> bytes)
    {
        List<byte[]> items = [];
        while (!bytes.IsEmpty)
        {
            int end = bytes.IndexOf((byte)0);
            if (end < 0) end = bytes.Length;
            items.Add(bytes[..end].ToArray());
            bytes = bytes[Math.Min(end + 1, bytes.Length)..];
        }
        return items;
    }

    private static HashSet<int> FindDescriptors()
    {
        HashSet<int> found = [];
        foreach (string path in Directory.GetFiles("/proc/self/fd"))
        {
            int number = int.Parse(Path.GetFileName(path), System.Globalization.CultureInfo.InvariantCulture);
            int flags = Native.Descriptors.fcntl(number, Native.Descriptors.GetDescriptorFlags, 0);
            if (flags >= 0 && (flags & Native.Descriptors.CloseOnExecFlag) == 0) found.Add(number);
        }
        return found;
    }
}
