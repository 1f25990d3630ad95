using System.Diagnostics;

namespace Ginnel.Memory;

/// <summary>What one run of a row came to.</summary>
/// <param name="Units">What the rate counts: bits, round trips, connections, datagrams.</param>
/// <param name="Seconds">How long it took.</param>
/// <param name="CpuSeconds">Time that this process's threads ran meanwhile, in the kernel or outside it.</param>
/// <param name="Packets">What allocation is counted by: segments (a super-segment is one), round trips, connections, datagrams.</param>
/// <param name="Allocated">Bytes allocated by all threads.</param>
/// <param name="Collections">Garbage collections.</param>
internal readonly record struct Sample(double Units, double Seconds, double CpuSeconds, long Packets, long Allocated, int Collections)
{
    internal double Rate => Units / Seconds;

    /// <summary>What one core would do if it did nothing else: where the other end runs on another core, or waits, it is more than the rate.</summary>
    internal double RatePerCpuSecond => CpuSeconds > 0 ? Units / CpuSeconds : 0;

    internal double AllocatedPerPacket => Packets > 0 ? (double)Allocated / Packets : 0;
}

/// <summary>Takes what a <see cref="Sample"/> is made of, before and after.</summary>
internal readonly struct Meter
{
    private readonly long _began = Stopwatch.GetTimestamp();
    private readonly TimeSpan _cpu = Environment.CpuUsage.TotalTime;
    private readonly long _allocated = GC.GetTotalAllocatedBytes(precise: true);
    private readonly int _collections = GC.CollectionCount(0);

    public Meter()
    {
    }

    internal TimeSpan Elapsed => Stopwatch.GetElapsedTime(_began);

    internal Sample Stop(double units, long packets)
    {
        double seconds = Elapsed.TotalSeconds;
        return new Sample(units, seconds, (Environment.CpuUsage.TotalTime - _cpu).TotalSeconds, packets,
            GC.GetTotalAllocatedBytes(precise: true) - _allocated, GC.CollectionCount(0) - _collections);
    }
}
