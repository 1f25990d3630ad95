namespace Ginnel.Interop.Differential;

/// <summary>Makes a failing exchange as small as it can be: leaves out steps for as long as something still differs.</summary>
internal static class ExchangeShrinker
{
    private const int MostRuns = 400;

    public static Difference Shrink(Exchange exchange, Difference difference, DifferentialComparison comparison)
    {
        Difference best = difference;
        int runs = 0;
        // Nothing behind the step that differs matters.
        List<Step> steps = [.. exchange.Steps.Take(difference.Step + 1)];
        for (int size = Math.Max(1, steps.Count / 2); size >= 1; size = size == 1 ? 0 : size / 2)
        {
            // The beginning stays: without it the numbers of the rest would mean something else.
            for (int at = 1; at + size <= steps.Count && runs < MostRuns;)
            {
                runs++;
                List<Step> fewer = [.. steps[..at], .. steps[(at + size)..]];
                if (fewer.Count > 0 && comparison.Compare(exchange with { Steps = fewer }) is { } smaller)
                {
                    best = smaller;
                    steps = [.. fewer.Take(smaller.Step + 1)];
                }
                else at++;
            }
        }
        return best;
    }
}
