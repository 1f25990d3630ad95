using System.Text.RegularExpressions;

namespace Ginnel.Architecture.Documents;

/// <summary>
/// Reads docs/rfc/source. A file begins with a line <c># title of the RFC</c>; each further line is
/// <c>section | level | requirement | where | test</c>. Names are separated by commas. <c>absent: reason</c> stands in the place of "where" for
/// what is not done, then "test" shows what happens instead or is <c>-</c>; in the place of "test" it says why nothing shows the requirement.
/// </summary>
static partial class ComplianceSource
{
    const string Absent = "absent";

    static readonly HashSet<string> Levels = new(StringComparer.Ordinal) { "MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY" };

    /// <summary>The RFC of a file; what cannot be understood is left out, and a sentence about it added to <paramref name="complaints"/>.</summary>
    public static Rfc? Parse(string path, string text, List<string> complaints)
    {
        if (!int.TryParse(Number().Match(path).Groups[1].ValueSpan, out int number))
        {
            complaints.Add($"{path}: a file of requirements is called rfcNNNN.txt");
            return null;
        }

        string[] lines = text.TrimEnd('\n').Split('\n');
        bool titled = lines[0].StartsWith("# ", StringComparison.Ordinal);
        if (!titled)
        {
            complaints.Add($"{path}:1: the first line has to be '# title of the RFC', not '{lines[0]}'");
        }

        List<Requirement> requirements = [];
        HashSet<string> seen = new(StringComparer.Ordinal);
        for (int i = titled ? 1 : 0; i < lines.Length; i++)
        {
            string place = $"{path}:{i + 1}";
            if (ParseLine(place, lines[i], complaints) is not { } requirement)
            {
                continue;
            }

            if (!seen.Add($"{requirement.Section}|{requirement.Text}"))
            {
                complaints.Add($"{place}: '{requirement.Text}' stands in this file twice");
            }

            requirements.Add(requirement);
        }

        return new Rfc(number, titled ? lines[0][2..] : "", requirements);
    }

    static Requirement? ParseLine(string place, string line, List<string> complaints)
    {
        string[] fields = line.Split(" | ");
        if (fields.Length != 5 || fields.Any(field => field.Length == 0 || field != field.Trim()))
        {
            complaints.Add($"{place}: '{line}' is not 'section | level | requirement | where | test'");
            return null;
        }

        if (!Levels.Contains(fields[1]))
        {
            complaints.Add($"{place}: the level is {string.Join(", ", Levels)}, not '{fields[1]}'");
            return null;
        }

        bool absent = IsAbsent(fields[3], out string whyAbsent);
        bool untested = IsAbsent(fields[4], out string whyUntested);
        string reason = whyAbsent.Length > 0 ? whyAbsent : whyUntested;
        bool showsNothing = untested || fields[4] == "-";
        if ((absent || showsNothing) && reason.Length == 0)
        {
            complaints.Add($"{place}: what is not done, or not shown by a test, needs 'absent: reason'");
            return null;
        }

        return new Requirement(place, fields[0], fields[1], fields[2], absent ? [] : Names(fields[3]), showsNothing ? [] : Names(fields[4]), reason);
    }

    static bool IsAbsent(string field, out string reason)
    {
        reason = field.StartsWith(Absent + ": ", StringComparison.Ordinal) ? field[(Absent.Length + 2)..].Trim() : "";
        return reason.Length > 0 || field.TrimEnd(':') == Absent;
    }

    static string[] Names(string field) => field.Split(',', StringSplitOptions.TrimEntries);

    [GeneratedRegex(@"(?:^|/)rfc(\d+)\.txt$")]
    private static partial Regex Number();
}
