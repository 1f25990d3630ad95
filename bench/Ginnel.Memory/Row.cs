namespace Ginnel.Memory;

/// <summary>A row of the table.</summary>
/// <param name="Key">By which the command line names it.</param>
/// <param name="Title">What is measured.</param>
/// <param name="Unit">Of the rate.</param>
/// <param name="Scale">Units of a sample per unit of the table.</param>
/// <param name="Target">The least rate that is asked for, in units of the table; 0 for none.</param>
/// <param name="Packet">What allocation is counted by.</param>
/// <param name="Run">Measures once.</param>
internal sealed record Row(string Key, string Title, string Unit, double Scale, double Target, string Packet, Func<TimeSpan, Task<Sample>> Run)
{
    internal List<Sample> Samples { get; } = [];

    internal double[] Rates => [.. Samples.Select(sample => sample.Rate / Scale).Order()];

    internal double Median => Middle(Rates);

    internal double MedianPerCpuSecond => Middle([.. Samples.Select(sample => sample.RatePerCpuSecond / Scale).Order()]);

    /// <summary>The least of the rounds: what the JIT compiler and the pools allocate on the way is not the path's.</summary>
    internal double Allocated => Samples.Min(sample => sample.AllocatedPerPacket);

    internal int Collections => Samples.Sum(sample => sample.Collections);

    private static double Middle(double[] sorted) => (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
}
