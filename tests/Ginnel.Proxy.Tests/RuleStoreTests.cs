using System.Text.Json.Nodes;

[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]

namespace Ginnel.Proxy.Tests;

/// <summary>Rules that outlive the process.</summary>
public sealed class RuleStoreTests : IDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"ginnel-store-{Guid.NewGuid():N}");

    public void Dispose()
    {
        if (Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void What_is_saved_is_there_after_a_restart_for_its_owner_alone()
    {
        RuleStore store = RuleStore.Open(_folder);
        Assert.False(Directory.Exists(_folder));
        ProxyRule[] rules = [RuleSetTests.Rule("tcp:80:a:1,name=x", ProxyDirection.Ingress), RuleSetTests.Rule("udp:53:[fd00::1]:53")];
        store.Save(rules);
        Assert.Equal(rules, RuleStore.Open(_folder).Rules);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(_folder));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(FilePath));
        Assert.Equal(["state.json"], Directory.GetFiles(_folder).Select(Path.GetFileName));
    }

    [Fact]
    public void A_state_of_nexd_is_understood_and_what_else_it_holds_is_kept()
    {
        Write("""{"public-key":"p","private-key":"q","port":5,"proxy-rules-config":{"egress":["tcp:1:h:2"],"ingress":["tcp:443:127.0.0.1:8080","udp:1:[::1]:2"]}}""");
        RuleStore store = RuleStore.Open(_folder);
        Assert.Equal(["tcp:443:127.0.0.1:8080", "udp:1:[::1]:2", "tcp:1:h:2"], store.Rules.Select(rule => rule.ToString()));
        store.Save([store.Rules[2]]);
        JsonNode root = JsonNode.Parse(File.ReadAllText(FilePath))!;
        Assert.Equal("q", (string?)root["private-key"]);
        Assert.Equal(5, (int?)root["port"]);
        Assert.Equal("tcp:1:h:2", (string?)root["proxy-rules-config"]!["egress"]![0]);
        Assert.Empty(root["proxy-rules-config"]!["ingress"]!.AsArray());
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("3")]
    [InlineData("null")]
    [InlineData("{\"proxy-rules-config\":3}")]
    [InlineData("{\"proxy-rules-config\":{\"egress\":{}}}")]
    [InlineData("{\"proxy-rules-config\":{\"egress\":[3]}}")]
    [InlineData("{\"proxy-rules-config\":{\"egress\":[null]}}")]
    [InlineData("{\"proxy-rules-config\":{\"egress\":[\"tcpa:1:h:1\"]}}")]
    [InlineData("{\"proxy-rules-config\":{},\"proxy-rules-config\":{}}")]
    public void A_file_that_says_something_wrong_is_named_and_left_alone(string text)
    {
        Write(text);
        ConfigurationException failure = Assert.Throws<ConfigurationException>(() => RuleStore.Open(_folder));
        Assert.Contains(FilePath, failure.Message);
        Assert.Equal(text, File.ReadAllText(FilePath));
    }

    [Fact]
    public void A_file_without_rules_has_none()
    {
        Write("{\"port\":1,\"proxy-rules-config\":{\"egress\":null}}");
        Assert.Empty(RuleStore.Open(_folder).Rules);
    }

    private string FilePath => Path.Combine(_folder, "state.json");

    private void Write(string text)
    {
        Directory.CreateDirectory(_folder);
        File.WriteAllText(FilePath, text);
    }
}
