using System.Text;

namespace Ginnel.Architecture.Documents;

/// <summary>docs/rfc/COMPLIANCE.md, from the files of docs/rfc/source.</summary>
static class ComplianceDocument
{
    static readonly string[] Strengths = ["MUST", "SHOULD", "MAY"];

    public static string Compose(IEnumerable<Rfc> rfcs, IEnumerable<LaterWork> later)
    {
        Rfc[] ordered = [.. rfcs.OrderBy(rfc => rfc.Number)];
        StringBuilder text = new("""
            # What the standards ask for, and where it is done

            Written from `docs/rfc/source` by `eng/documents`; a test fails when it is stale, or when a type, member, test or script that it names
            does not exist.

            The requirements are told in our words; MUST NOT counts as MUST, SHOULD NOT as SHOULD. Packet scripts are named relative to
            `tests/Ginnel.PacketScripts/scripts`. Absent are requirements that the stack does not obey, each with its reason; a test beside one shows
            what happens instead.

            ## Summary


            """);
        AppendSummary(text, ordered);
        text.Append("\n## Left for later, with their place\n\n| what | where it will stand | why not yet |\n|---|---|---|\n");
        foreach (LaterWork work in later)
        {
            text.Append($"| {Cell(work.Name)} | {Codes(work.Where)} | {Cell(work.Reason)} |\n");
        }

        foreach (Rfc rfc in ordered)
        {
            AppendChapter(text, rfc);
        }

        return text.ToString();
    }

    static void AppendSummary(StringBuilder text, Rfc[] rfcs)
    {
        text.Append("| RFC | title | MUST: tested | untested | absent | SHOULD: tested | untested | absent | MAY: tested | untested | absent |\n");
        text.Append("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
        foreach (Rfc rfc in rfcs)
        {
            text.Append($"| [{rfc.Number}](#rfc-{rfc.Number}) | {Cell(rfc.Title)} | {Counts(rfc.Requirements)} |\n");
        }

        text.Append($"| **all** | {rfcs.Length} documents | {Counts([.. rfcs.SelectMany(rfc => rfc.Requirements)])} |\n");
    }

    static string Counts(IReadOnlyList<Requirement> requirements) => string.Join(" | ", Strengths.Select(strength =>
    {
        Requirement[] some = [.. requirements.Where(requirement => requirement.Strength == strength)];
        int absent = some.Count(requirement => requirement.IsAbsent);
        int tested = some.Count(requirement => requirement.IsTested);
        return $"{tested} | {some.Length - tested - absent} | {absent}";
    }));

    static void AppendChapter(StringBuilder text, Rfc rfc)
    {
        text.Append($"\n## RFC {rfc.Number}\n\n{rfc.Title}\n\n| section | level | requirement | where | test |\n|---|---|---|---|---|\n");
        foreach (Requirement requirement in rfc.Requirements)
        {
            string where = requirement.IsAbsent ? $"absent: {Cell(requirement.Reason)}" : Codes(requirement.Where);
            string tests = requirement.Tests.Length > 0 ? Codes(requirement.Tests) : requirement.IsAbsent ? "" : $"none: {Cell(requirement.Reason)}";
            text.Append($"| {Cell(requirement.Section)} | {requirement.Level} | {Cell(requirement.Text)} | {where} | {tests} |\n");
        }
    }

    static string Codes(IEnumerable<string> names) => string.Join(", ", names.Select(name => $"`{name}`"));

    static string Cell(string text) => DocumentationText.Cell(text);
}
