namespace Ginnel.Architecture.Documents;

/// <summary>One line of docs/rfc/source: what an RFC asks for, where it is done, and what shows it.</summary>
/// <param name="Place">File and line, for complaints.</param>
/// <param name="Section">Section of the RFC, with the number that it gives the requirement, if it has one.</param>
/// <param name="Level">MUST, MUST NOT, SHOULD, SHOULD NOT or MAY.</param>
/// <param name="Text">The requirement, in our words.</param>
/// <param name="Where">Types, members and files that obey it; empty where it is absent.</param>
/// <param name="Tests">Test methods and packet scripts; may be empty where it is absent.</param>
/// <param name="Reason">Why it is absent, or why it has no test; empty where it has both.</param>
sealed record Requirement(string Place, string Section, string Level, string Text, string[] Where, string[] Tests, string Reason)
{
    /// <summary>MUST NOT counts as MUST, SHOULD NOT as SHOULD.</summary>
    public string Strength => Level.Split(' ')[0];

    public bool IsAbsent => Where.Length == 0;

    public bool IsTested => !IsAbsent && Tests.Length > 0;
}

/// <summary>What a file of docs/rfc/source says of its RFC.</summary>
sealed record Rfc(int Number, string Title, IReadOnlyList<Requirement> Requirements);
