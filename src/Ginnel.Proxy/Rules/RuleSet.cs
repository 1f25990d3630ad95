using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Ginnel.Proxy;

/// <summary>Rules in the order in which they were added. Not thread-safe.</summary>
public sealed class RuleSet
{
    /// <summary>Most rules at once; one more is refused.</summary>
    public const int MaxRules = 4_096;

    private readonly List<ProxyRule> _rules = [];

    /// <summary>All of them.</summary>
    public IReadOnlyList<ProxyRule> Rules => _rules;

    /// <summary>Adds a rule. One that is there already is refused, and one that contradicts those with which it shares a listener or a name.</summary>
    public bool TryAdd(ProxyRule rule, [NotNullWhen(false)] out string? error)
    {
        ArgumentNullException.ThrowIfNull(rule);
        error = _rules.Count < MaxRules ? null : $"there are {MaxRules} rules already, which is the limit";
        for (int i = 0; error is null && i < _rules.Count; i++) error = Contradiction(rule, _rules[i]);
        if (error is not null) return false;
        _rules.Add(rule);
        return true;
    }

    /// <summary>The rules that a text or a name denotes: a rule as it was given, or without its options, or <c>name=</c>'s word alone.</summary>
    public static IReadOnlyList<ProxyRule> Find(IEnumerable<ProxyRule> rules, ProxyDirection? direction, string text)
    {
        ArgumentNullException.ThrowIfNull(rules);
        ArgumentNullException.ThrowIfNull(text);
        List<ProxyRule> found = [];
        foreach (ProxyRule rule in rules)
        {
            if (direction is not null && rule.Direction != direction) continue;
            if (rule.Options.Name == text) found.Add(rule);
            else if (RuleParser.TryParse(rule.Direction, text, out ProxyRule? meant, out _) && meant.Key == rule.Key && meant.Target.Equals(rule.Target)
                && (meant.Options == RuleOptions.None || meant.Options == rule.Options)) found.Add(rule);
        }
        return found;
    }

    /// <summary>Takes a rule out.</summary>
    public bool Remove(ProxyRule rule) => _rules.Remove(rule);

    private static string? Contradiction(ProxyRule rule, ProxyRule other)
    {
        if (rule.Key != other.Key)
            return rule.Options.Name is { } name && name == other.Options.Name ? $"{rule.AsFlag}: {other.AsFlag} has this name; rules of different ports have different names" : null;
        if (other.Target.Equals(rule.Target)) return $"{rule.AsFlag} is there already";
        // The name too is the listener's: flows bear it as their origin before a target is chosen for them.
        (RuleOptions a, RuleOptions b) = (rule.Options, other.Options);
        string? differs = a.Source != b.Source ? "source=" : a.Max != b.Max ? "max=" : a.Idle != b.Idle ? "idle=" : a.Name != b.Name ? "name=" : null;
        return differs is null ? null : $"{rule.AsFlag} and {other.AsFlag} share a listener and must have the same {differs}";
    }
}
