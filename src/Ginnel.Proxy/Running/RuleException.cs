namespace Ginnel.Proxy;

/// <summary>Why a rule cannot be added or removed.</summary>
public enum RuleFault : byte
{
    /// <summary>It says something wrong.</summary>
    Invalid,
    /// <summary>It is there already, or contradicts another.</summary>
    Conflict,
    /// <summary>There is no such rule.</summary>
    NotFound,
    /// <summary>Its port cannot be opened.</summary>
    CannotOpen,
}

/// <summary>A rule that cannot be added or removed; the proxy is as it was.</summary>
public sealed class RuleException(RuleFault fault, string message, Exception? cause = null) : IOException(message, cause)
{
    /// <summary>Why.</summary>
    public RuleFault Fault { get; } = fault;
}
