using System.Globalization;
using Ginnel.Testing;
using Ginnel.Wire;

namespace Ginnel.Netstack.Tests.Simulation;

/// <summary>
/// Transfers over bad links, a seed each: 1,000 of them always, 10,000 with GINNEL_LONG=1, and first of all the seeds that once failed.
/// GINNEL_SEED=n runs one seed alone, GINNEL_FIRST_SEED=n others than usual.
/// </summary>
public sealed class TransferTests
{
    const int Batches = 10;

    static readonly bool IsLong = Environment.GetEnvironmentVariable("GINNEL_LONG") == "1";

    static int PerBatch => IsLong ? 1_000 : 100;

    public static TheoryData<int> AllBatches => [.. Enumerable.Range(0, Batches)];

    [Fact]
    public void Seeds_that_once_failed_pass()
    {
        PacketPool pool = new();
        foreach (ulong seed in SeedFile.Read("seeds.txt")) TransferScenario.From(seed).Run(pool);
    }

    [Theory]
    [MemberData(nameof(AllBatches))]
    public void Every_transfer_arrives_whole(int batch)
    {
        PacketPool pool = new();
        if (Environment.GetEnvironmentVariable("GINNEL_SEED") is { Length: > 0 } only)
        {
            if (batch == 0) TransferScenario.From(ulong.Parse(only, CultureInfo.InvariantCulture)).Run(pool);
            return;
        }
        ulong first = ulong.Parse(Environment.GetEnvironmentVariable("GINNEL_FIRST_SEED") ?? "0", CultureInfo.InvariantCulture);
        List<string> failures = [];
        for (int i = 0; i < PerBatch && failures.Count < 5; i++)
        {
            TransferScenario scenario = TransferScenario.From(first + (ulong)(batch * PerBatch + i));
            try
            {
                scenario.Run(pool);
            }
            catch (Exception failure)
            {
                failures.Add(failure is SimulationException ? failure.Message : $"seed {scenario.Seed}: {failure}");
                pool = new PacketPool(); // what the broken run rented is lost
            }
        }
        Assert.True(failures.Count == 0, string.Join('\n', failures));
    }

    [Fact]
    public void A_seed_repeats_itself()
    {
        PacketPool pool = new();
        (long steps, TimeSpan elapsed) = Measure(7, pool);
        Assert.True(steps > 10);
        Assert.Equal((steps, elapsed), Measure(7, pool));
        Assert.NotEqual((steps, elapsed), Measure(8, pool));
    }

    static (long Steps, TimeSpan Elapsed) Measure(ulong seed, PacketPool pool)
    {
        SimulatedNetwork network = TransferScenario.From(seed).Run(pool);
        return (network.Steps, network.Elapsed);
    }
}
