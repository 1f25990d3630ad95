namespace Ginnel.Proxy.Tests;

/// <summary>Which rules may stand beside each other, and by which words one is found again.</summary>
public sealed class RuleSetTests
{
    [Theory]
    [InlineData("tcp:80:a:1", "tcp:80:b:1", null)]
    [InlineData("tcp:80:a:1,bind=127.0.0.1", "tcp:80:a:1,bind=127.0.0.2", null)]
    [InlineData("tcp:80:a:1", "udp:80:a:1", null)]
    [InlineData("tcp:80:a:1,name=x", "tcp:80:b:1,name=x", null)]
    [InlineData("tcp:80:a:1,connect-timeout=1s", "tcp:80:b:1,proxy-protocol=v1", null)]
    [InlineData("tcp:80:a:1", "tcp:80:a:1", "there already")]
    [InlineData("tcp:80:a:1", "tcp:80:a:1,name=other", "there already")]
    [InlineData("tcp:80:a:1", "tcp:80:b:1,max=3", "the same max=")]
    [InlineData("tcp:80:a:1,idle=3s", "tcp:80:b:1", "the same idle=")]
    [InlineData("tcp:80:a:1", "tcp:80:b:1,source=10.0.0.0/8", "the same source=")]
    [InlineData("tcp:80:a:1,name=x", "tcp:80:b:1,name=y", "the same name=")]
    [InlineData("tcp:80:a:1,name=x", "tcp:80:b:1", "the same name=")]
    [InlineData("tcp:80:a:1", "tcp:80:b:1,name=y", "the same name=")]
    [InlineData("tcp:80:a:1,name=x", "tcp:81:a:1,name=x", "has this name")]
    public void Two_rules_agree_or_the_second_is_refused(string first, string second, string? why)
    {
        RuleSet rules = new();
        Assert.True(rules.TryAdd(Rule(first), out _));
        bool isAdded = rules.TryAdd(Rule(second), out string? error);
        Assert.Equal(why is null, isAdded);
        if (why is not null) Assert.Contains(why, error);
        Assert.Equal(isAdded ? 2 : 1, rules.Rules.Count);
    }

    [Fact]
    public void There_is_a_limit()
    {
        RuleSet rules = new();
        for (int i = 0; i < RuleSet.MaxRules; i++) Assert.True(rules.TryAdd(Rule($"tcp:{i + 1}:h:1"), out _));
        Assert.False(rules.TryAdd(Rule("tcp:60000:h:1"), out string? error));
        Assert.Contains("limit", error);
    }

    [Theory]
    [InlineData("tcp:80:a:1,name=web,max=3", 1)]
    [InlineData("tcp:80:a:1", 1)]
    [InlineData("TCP:80:a:1", 1)]
    [InlineData("web", 2)]
    [InlineData("tcp:80:a:1,name=web", 0)]
    [InlineData("tcp:81:a:1", 0)]
    [InlineData("we", 0)]
    [InlineData("", 0)]
    [InlineData(":::", 0)]
    public void A_rule_is_found_by_its_text_without_its_options_or_by_its_name(string words, int count)
    {
        ProxyRule[] rules = [Rule("tcp:80:a:1,name=web,max=3"), Rule("tcp:80:b:1,name=web,max=3"), Rule("udp:9:c:1")];
        Assert.Equal(count, RuleSet.Find(rules, ProxyDirection.Egress, words).Count);
        Assert.Equal(count, RuleSet.Find(rules, null, words).Count);
        Assert.Empty(RuleSet.Find(rules, ProxyDirection.Ingress, words));
    }

    internal static ProxyRule Rule(string text, ProxyDirection direction = ProxyDirection.Egress) =>
        RuleParser.TryParse(direction, text, out ProxyRule? rule, out string? error) ? rule : throw new ArgumentException(error);
}
