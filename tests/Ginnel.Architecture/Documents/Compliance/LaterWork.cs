namespace Ginnel.Architecture.Documents;

/// <summary>A line of docs/rfc/source/later.txt: <c>what | where it will stand | why not yet</c>.</summary>
sealed record LaterWork(string Place, string Name, string[] Where, string Reason)
{
    /// <summary>The work of a file; a sentence about each line that is none is added to <paramref name="complaints"/>.</summary>
    public static IReadOnlyList<LaterWork> Parse(string path, string text, List<string> complaints)
    {
        List<LaterWork> later = [];
        string[] lines = text.TrimEnd('\n').Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            string[] fields = lines[i].Split(" | ");
            if (fields.Length == 3)
            {
                later.Add(new LaterWork($"{path}:{i + 1}", fields[0], fields[1].Split(',', StringSplitOptions.TrimEntries), fields[2]));
            }
            else
            {
                complaints.Add($"{path}:{i + 1}: '{lines[i]}' is not 'what | where it will stand | why not yet'");
            }
        }

        return later;
    }
}
