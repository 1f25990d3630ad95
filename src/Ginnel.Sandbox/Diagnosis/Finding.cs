namespace Ginnel.Sandbox;

/// <summary>How much a finding matters.</summary>
public enum FindingKind
{
    /// <summary>In order.</summary>
    Good,
    /// <summary>Works, but less well than it could.</summary>
    Note,
    /// <summary><c>ginnel run</c> does not work because of it.</summary>
    Bad,
}

/// <summary>One thing that the diagnosis looked at.</summary>
/// <param name="Kind">How much it matters.</param>
/// <param name="Subject">What was looked at.</param>
/// <param name="Text">What was found.</param>
/// <param name="Remedy">What to do about it; null where there is nothing to do.</param>
public readonly record struct Finding(FindingKind Kind, string Subject, string Text, string? Remedy = null);
