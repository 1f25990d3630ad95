using System.Globalization;

namespace Ginnel.Architecture;

/// <summary>
/// A rule with exceptions that may only shrink: each line of the file names a subject and the size it has now. What is not listed obeys
/// the limit; what is listed must have exactly that size, so that an improvement is written down and cannot be lost.
/// </summary>
sealed class Ratchet
{
    readonly Dictionary<string, int> _excesses = new(StringComparer.Ordinal);

    Ratchet() { }

    /// <summary>Reads lines of <c>subject size</c>; empty lines and those with a leading # say nothing.</summary>
    public static Ratchet Parse(string text)
    {
        Ratchet ratchet = new();
        foreach (string line in text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (line[0] != '#')
            {
                int space = line.LastIndexOf(' ');
                ratchet._excesses.Add(line[..space].TrimEnd(), int.Parse(line[(space + 1)..], CultureInfo.InvariantCulture));
            }
        }

        return ratchet;
    }

    /// <summary>One sentence for each measure above <paramref name="limit"/> that is not listed, and for each listed one that changed.</summary>
    public IEnumerable<string> Violations(IReadOnlyDictionary<string, int> measures, int limit)
    {
        foreach ((string subject, int size) in measures.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (!_excesses.TryGetValue(subject, out int allowed))
            {
                if (size > limit)
                {
                    yield return $"{subject} has {size} lines; the limit is {limit}";
                }
            }
            else if (size > allowed)
            {
                yield return $"{subject} grew from {allowed} to {size} lines; exceptions may only shrink";
            }
            else if (size <= limit)
            {
                yield return $"{subject} has {size} lines and needs no exception any more; take its line out of the ratchet";
            }
            else if (size < allowed)
            {
                yield return $"{subject} shrank from {allowed} to {size} lines; write that into the ratchet";
            }
        }
    }

    /// <summary>Listed subjects that were not measured: renamed or gone.</summary>
    public IEnumerable<string> Orphans(params IReadOnlyDictionary<string, int>[] measures) =>
        _excesses.Keys.Where(subject => !measures.Any(known => known.ContainsKey(subject)))
            .Select(subject => $"{subject} is listed in the ratchet and does not exist");
}
