using System.Diagnostics;
using System.Globalization;

namespace Ginnel.Interop.Differential;

/// <summary>
/// The process that compares, in a network namespace of its own: <c>unshare --net Ginnel.Interop __differential FIRST COUNT [MOST]</c>
/// runs so many seeds, at most until so many differ, and prints what differs, side by side; the last line counts.
/// </summary>
internal static class DifferentialProgram
{
    public const string Word = "__differential";

    public static int Run(string[] words)
    {
        ulong first = ulong.Parse(words[0], CultureInfo.InvariantCulture);
        int count = int.Parse(words[1], CultureInfo.InvariantCulture);
        int most = words.Length > 2 ? int.Parse(words[2], CultureInfo.InvariantCulture) : 5;
        using KernelNetwork network = KernelNetwork.Create();
        DifferentialComparison comparison = new(network);
        int differing = 0;
        Stopwatch time = Stopwatch.StartNew();
        int done = 0;
        for (ulong seed = first; done < count && differing < most; seed++, done++)
        {
            Exchange exchange = ExchangeGenerator.Make(seed);
            if (comparison.Compare(exchange) is not { } difference) continue;
            differing++;
            Difference smallest = ExchangeShrinker.Shrink(exchange, difference, comparison);
            Console.WriteLine(smallest.Describe());
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{done} exchanges, {differing} differ, {comparison.Steps} steps, {comparison.Repeated} repeated, "
            + $"{comparison.Disturbed} left out because the machine was too slow, {time.Elapsed.TotalSeconds:F1} s; "
            + $"explained: {comparison.Explained()}"));
        return differing == 0 ? 0 : 1;
    }
}
