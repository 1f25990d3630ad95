using System.Globalization;

namespace Ginnel.Sandbox.Identity;

/// <summary>One line of /proc/PID/uid_map.</summary>
/// <param name="Inside">The first id as the sandbox sees it.</param>
/// <param name="Outside">The first id as we see it.</param>
/// <param name="Count">How many.</param>
internal sealed record IdRange(uint Inside, uint Outside, uint Count)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Inside} {Outside} {Count}");

    /// <summary>Reads a map file; lines that are not three numbers are skipped.</summary>
    public static IReadOnlyList<IdRange> ReadMap(string path)
    {
        List<IdRange> ranges = [];
        foreach (string line in ReadLines(path))
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 3 && uint.TryParse(words[0], out uint inside) && uint.TryParse(words[1], out uint outside)
                && uint.TryParse(words[2], out uint count))
            {
                ranges.Add(new IdRange(inside, outside, count));
            }
        }
        return ranges;
    }

    /// <summary>The ranges that /etc/subuid or /etc/subgid grants to a user, named or numbered: first id and count.</summary>
    public static IReadOnlyList<(uint First, uint Count)> ReadSubordinate(string path, string? user, uint uid)
    {
        List<(uint, uint)> ranges = [];
        string number = uid.ToString(CultureInfo.InvariantCulture);
        foreach (string line in ReadLines(path))
        {
            string[] words = line.Split(':');
            if (words.Length != 3 || (words[0] != user && words[0] != number)) continue;
            if (uint.TryParse(words[1], out uint first) && uint.TryParse(words[2], out uint count) && count > 0
                && first <= uint.MaxValue - count)
            {
                ranges.Add((first, count));
            }
        }
        return ranges;
    }

    /// <summary>
    /// A map in which <paramref name="insideId"/> is <paramref name="outsideId"/> and the other ids, counted from 0, are taken from
    /// the subordinate ranges in their order. At most 340 lines, the kernel's limit, which no user's grants reach.
    /// </summary>
    public static IReadOnlyList<IdRange> Around(uint insideId, uint outsideId, IReadOnlyList<(uint First, uint Count)> subordinate)
    {
        const int Most = 300;
        List<IdRange> map = [new IdRange(insideId, outsideId, 1)];
        uint next = 0;
        foreach ((uint first, uint count) in subordinate)
        {
            uint outside = first, left = count;
            while (left > 0 && map.Count < Most)
            {
                if (next == insideId) next++;
                uint run = next < insideId ? Math.Min(left, insideId - next) : left;
                map.Add(new IdRange(next, outside, run));
                next += run;
                outside += run;
                left -= run;
            }
        }
        return map;
    }

    private static string[] ReadLines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
