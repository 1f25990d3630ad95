using System.Diagnostics.CodeAnalysis;

namespace Ginnel.Proxy;

/// <summary>Rules by what listens, in the order in which they were added. Not thread-safe.</summary>
public sealed class RuleSet
{
    private readonly List<ProxyRule> _rules = [];

    /// <summary>All of them.</summary>
    public IReadOnlyList<ProxyRule> Rules => _rules;

    /// <summary>The rules that share a listener.</summary>
    public IEnumerable<IGrouping<(ProxyDirection Direction, FlowProtocol Protocol, int Port), ProxyRule>> Groups => _rules.GroupBy(rule => rule.Key);

    /// <summary>Adds a rule. One that is there already is refused, and one that would listen elsewhere on a port that is shared.</summary>
    public bool TryAdd(ProxyRule rule, [NotNullWhen(false)] out string? error)
    {
        ArgumentNullException.ThrowIfNull(rule);
        error = null;
        foreach (ProxyRule other in _rules)
        {
            if (other.Key != rule.Key) continue;
            if (other.Target.Equals(rule.Target)) error = $"{rule.AsFlag} is there already";
            else if (!Equals(other.Options.Bind, rule.Options.Bind)) error = $"{rule.AsFlag} and {other.AsFlag} share a listener and must have the same bind=";
            if (error is not null) return false;
        }
        _rules.Add(rule);
        return true;
    }
}
