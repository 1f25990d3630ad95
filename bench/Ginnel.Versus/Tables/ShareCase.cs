using Ginnel.Testing;

namespace Ginnel.Versus.Tables;

/// <summary>Flows that share a bottleneck: true for one of ours, false for one of the kernel's.</summary>
internal sealed record ShareCase(string Name, bool[] Owns)
{
    internal const int RoundTripMilliseconds = 20;

    /// <summary>The measured path without loss but that of its queue.</summary>
    internal static SimulatedLinkOptions Path => new Cell(0, RoundTripMilliseconds, 0).Path;

    internal static IEnumerable<ShareCase> All
    {
        get
        {
            foreach (int count in (int[])[2, 4, 8])
            {
                yield return new ShareCase($"{count}ours", Repeat(true, count));
                yield return new ShareCase($"{count}kernel", Repeat(false, count));
            }
            yield return new ShareCase("1beside1", [true, false]);
            yield return new ShareCase("4beside4", [.. Repeat(true, 4), .. Repeat(false, 4)]);
        }
    }

    private static bool[] Repeat(bool own, int count) => [.. Enumerable.Repeat(own, count)];
}
