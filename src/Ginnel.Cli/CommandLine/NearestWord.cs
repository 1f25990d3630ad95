namespace Ginnel.Cli.CommandLine;

/// <summary>Finds what was probably meant.</summary>
internal static class NearestWord
{
    /// <summary>The candidate with the fewest edits, or null when none is near enough to be a slip.</summary>
    public static string? To(string word, IEnumerable<string> candidates)
    {
        string? best = null;
        int least = int.MaxValue;
        foreach (string candidate in candidates)
        {
            // What was begun and not finished is meant, however much is missing.
            int distance = word.Length > 3 && candidate.StartsWith(word, StringComparison.Ordinal) ? 1 : Distance(word, candidate);
            if (distance >= least) continue;
            least = distance;
            best = candidate;
        }
        return least <= Math.Max(1, word.Length / 3) ? best : null;
    }

    /// <summary>Edits between two words: insertions, deletions, replacements, and swaps of neighbors.</summary>
    internal static int Distance(string left, string right)
    {
        int[,] table = new int[left.Length + 1, right.Length + 1];
        for (int i = 0; i <= left.Length; i++) table[i, 0] = i;
        for (int j = 0; j <= right.Length; j++) table[0, j] = j;
        for (int i = 1; i <= left.Length; i++)
        {
            for (int j = 1; j <= right.Length; j++)
            {
                int cost = left[i - 1] == right[j - 1] ? 0 : 1;
                int edits = Math.Min(Math.Min(table[i - 1, j] + 1, table[i, j - 1] + 1), table[i - 1, j - 1] + cost);
                if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1]) edits = Math.Min(edits, table[i - 2, j - 2] + 1);
                table[i, j] = edits;
            }
        }
        return table[left.Length, right.Length];
    }
}
