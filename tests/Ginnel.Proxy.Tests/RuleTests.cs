using System.Net;

namespace Ginnel.Proxy.Tests;

/// <summary>nexd's grammar: what it takes, what it refuses, and that it is printed as it is read.</summary>
public sealed class RuleTests
{
    [Theory]
    [InlineData("tcp:443:127.0.0.1:8080")]
    [InlineData("udp:53:[2001:db8::1]:5353")]
    [InlineData("tcp:1:db.internal:65535")]
    [InlineData("tcp:80:[200::2]:8080")]
    [InlineData("tcp:80:localhost:8080,bind=127.0.0.1,name=web,idle=30s,connect-timeout=500ms,source=10.0.0.0/8,proxy-protocol=v2,max=7")]
    public void What_is_read_is_what_is_printed(string text)
    {
        ProxyRule rule = Parse(text);
        Assert.Equal(text, rule.ToString());
        Assert.Equal(rule, Parse(rule.ToString()));
        Assert.Equal("--egress " + text, (rule with { Direction = ProxyDirection.Egress }).AsFlag);
    }

    [Fact]
    public void The_protocol_may_be_written_large_and_durations_in_every_unit()
    {
        ProxyRule rule = Parse("TCP:1:h:2,idle=2m,connect-timeout=1h");
        Assert.Equal((FlowProtocol.Tcp, TimeSpan.FromMinutes(2), TimeSpan.FromHours(1)), (rule.Protocol, rule.Options.Idle, rule.Options.ConnectTimeout));
        Assert.Equal(new DnsEndPoint("h", 2), rule.Target);
    }

    [Theory]
    [InlineData("tcp:0:127.0.0.1:80", "port from 1 to 65535")]
    [InlineData("tcp:90000:127.0.0.1:80", "port from 1 to 65535")]
    [InlineData("tcp:80:127.0.0.1:0", "port from 1 to 65535")]
    [InlineData("tcp:80:127.0.0.1:90000", "port from 1 to 65535")]
    [InlineData("tcp:-1:127.0.0.1:80", "port from 1 to 65535")]
    [InlineData("tcp: 80:127.0.0.1:80", "port from 1 to 65535")]
    [InlineData("tcp:abc:127.0.0.1:80", "port from 1 to 65535")]
    [InlineData("tcpa:80:127.0.0.1:80", "neither tcp nor udp")]
    [InlineData(":80:127.0.0.1:80", "neither tcp nor udp")]
    [InlineData("tcp:80", "fewer than four parts")]
    [InlineData("tcp:80:127.0.0.1", "fewer than four parts")]
    [InlineData("", "fewer than four parts")]
    [InlineData("tcp:8080::80", "destination is missing")]
    [InlineData("tcp:80:300.0.0.1:80", "neither a name nor an address")]
    [InlineData("tcp:80:fd00::1:80", "in brackets")]
    [InlineData("tcp:80:[fd00::1]", "fewer than four parts")]
    [InlineData("tcp:80:[127.0.0.1]:80", "without brackets")]
    [InlineData("tcp:80:[name]:80", "neither a name nor an address")]
    [InlineData("tcp:80:a b:80", "neither a name nor an address")]
    [InlineData("tcp:80:h:80,", "is no option")]
    [InlineData("tcp:80:h:80,colour=red", "is no option")]
    [InlineData("tcp:80:h:80,max=0", "no number of flows")]
    [InlineData("tcp:80:h:80,max=1,max=2", "twice")]
    [InlineData("tcp:80:h:80,idle=0s", "no duration")]
    [InlineData("tcp:80:h:80,idle=25h", "no duration")]
    [InlineData("tcp:80:h:80,bind=everywhere", "no address")]
    [InlineData("tcp:80:h:80,bind=1", "no address")]
    [InlineData("tcp:80:h:80,bind=127.1", "no address")]
    [InlineData("tcp:80:h:80,bind=010.0.0.1", "no address")]
    [InlineData("tcp:80:h:80,bind=[::1]", "no address")]
    [InlineData("tcp:80:h:80,source=10.0.0.1/8", "no network")]
    [InlineData("tcp:80:h:80,proxy-protocol=v3", "neither v1 nor v2")]
    [InlineData("udp:80:h:80,proxy-protocol=v2", "for connections")]
    public void What_is_wrong_is_said(string text, string why)
    {
        Assert.False(RuleParser.TryParse(ProxyDirection.Ingress, text, out ProxyRule? rule, out string? error));
        Assert.Null(rule);
        Assert.Contains(why, error);
    }

    [Fact]
    public void No_text_makes_the_parser_throw()
    {
        Random random = new(1);
        const string Letters = "tcpud:0123456789[]:,.=abindsorce-/ \u00e4\0";
        for (int i = 0; i < 20_000; i++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(30)).Select(_ => Letters[random.Next(Letters.Length)]));
            if (i % 2 == 0) text = "tcp:80:h:80" + text;
            bool isRule = RuleParser.TryParse(ProxyDirection.Egress, text, out ProxyRule? rule, out string? error);
            Assert.Equal(isRule, error is null);
            if (isRule) Assert.Equal(rule!.ToString(), Parse(rule.ToString()).ToString());
        }
    }

    private static ProxyRule Parse(string text)
    {
        Assert.True(RuleParser.TryParse(ProxyDirection.Ingress, text, out ProxyRule? rule, out string? error), error);
        return rule;
    }
}
