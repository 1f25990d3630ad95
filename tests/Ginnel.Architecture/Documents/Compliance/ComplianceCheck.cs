namespace Ginnel.Architecture.Documents;

/// <summary>Whether what the requirements name is there: types, members and files that obey them, tests and packet scripts that show it.</summary>
sealed class ComplianceCheck(CodeIndex code, CodeIndex tests, Func<string, bool> fileExists)
{
    /// <summary>Scripts are named relative to this folder.</summary>
    public const string Scripts = "tests/Ginnel.PacketScripts/scripts/";

    /// <summary>One sentence for each name that leads nowhere, with the file and line where it stands.</summary>
    public IEnumerable<string> Complaints(IEnumerable<Requirement> requirements)
    {
        foreach (Requirement requirement in requirements)
        {
            foreach (string name in requirement.Where.Where(name => !IsPlace(name)))
            {
                yield return $"{requirement.Place}: there is no type, member or file '{name}' in src";
            }

            foreach (string name in requirement.Tests.Where(name => !IsTest(name)))
            {
                yield return $"{requirement.Place}: there is no test method or packet script '{name}'";
            }
        }
    }

    /// <summary>Whether a type, a type's member or a file bears the name.</summary>
    public bool IsPlace(string name) => name.Contains('/') ? fileExists(name) : code.Has(name);

    bool IsTest(string name) => name.EndsWith(".pkt", StringComparison.Ordinal) ? fileExists(Scripts + name) : tests.HasTest(name);
}
