using Ginnel.Proxy.Control;

namespace Ginnel.Proxy.Tests;

/// <summary>What is asked of a running proxy, where rules, store and peers must stay of one mind. Its rules are of the tunnel's side: no port of the host's is opened.</summary>
public sealed class ProxyControlTests : IDisposable
{
    private const string Key = "aLZGxRmWhOqTMYRr0WWYzSwwkmwWOwCXqnXXwsFG6EA=", Peer = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"ginnel-control-{Guid.NewGuid():N}");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        if (Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_proxy_that_drains_takes_no_rule_and_says_so()
    {
        await using ProxySession session = await StartAsync("tcp:80:127.0.0.1:1");
        ProxyControl control = Control(session);
        await session.DrainAsync(Token);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => control.AddAsync(new RuleRequest(["tcp:81:127.0.0.1:1"], null), Token));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => control.RemoveAsync(new RemovalRequest(["tcp:80:127.0.0.1:1"], null, null), Token));
    }

    [Fact]
    public async Task A_rule_that_is_named_twice_is_taken_out_once_and_for_good()
    {
        await using ProxySession session = await StartAsync();
        ProxyControl control = Control(session);
        await control.AddAsync(new RuleRequest(["tcp:80:127.0.0.1:1,name=x"], null), Token);
        RulesChanged done = await control.RemoveAsync(new RemovalRequest(["tcp:80:127.0.0.1:1", "x"], null, ["x"]), Token);
        Assert.Equal(["--ingress tcp:80:127.0.0.1:1,name=x"], done.Rules);
        Assert.Empty(session.Ports.Rules);
        Assert.Empty(RuleStore.Open(_folder).Rules);
    }

    [Fact]
    public async Task A_rule_of_the_store_that_is_not_in_force_stays_there_until_it_is_taken_out()
    {
        RuleStore.Open(_folder).Save([RuleSetTests.Rule("tcp:80:127.0.0.1:1", ProxyDirection.Ingress)]);
        await using ProxySession session = await StartAsync();
        ProxyControl control = Control(session);
        await control.AddAsync(new RuleRequest(["tcp:81:127.0.0.1:1"], null), Token);
        Assert.Equal(["tcp:80:127.0.0.1:1", "tcp:81:127.0.0.1:1"], RuleStore.Open(_folder).Rules.Select(rule => rule.ToString()));
        await control.RemoveAsync(new RemovalRequest(["tcp:80:127.0.0.1:1"], null, null), Token);
        Assert.Equal(["tcp:81:127.0.0.1:1"], RuleStore.Open(_folder).Rules.Select(rule => rule.ToString()));
    }

    [Fact]
    public async Task A_text_that_is_null_is_no_rule()
    {
        await using ProxySession session = await StartAsync("tcp:80:127.0.0.1:1");
        ProxyControl control = Control(session);
        foreach (RemovalRequest request in (RemovalRequest[])[new([null!], null, null), new(null, [null!], null), new(null, null, [null!])])
            await Assert.ThrowsAsync<RuleException>(() => control.RemoveAsync(request, Token));
        Assert.Single(session.Ports.Rules);
    }

    [Fact]
    public async Task A_reload_whose_last_peer_is_no_good_takes_over_nothing()
    {
        await using ProxySession session = await StartAsync();
        string own = Convert.ToBase64String(session.Link.PublicKey);
        ProxyControl control = Control(session, () => Configuration($"[Peer]\nPublicKey = {own}\n"));
        await Assert.ThrowsAsync<ConfigurationException>(() => control.ReloadAsync(Token));
        Assert.Equal(Peer, Assert.Single(control.Peers()).PublicKey);
        Assert.Equal(["10.0.0.2/32"], control.Peers()[0].AllowedIps);
    }

    private static ProxyConfiguration Configuration(string peers) => WireGuardFile.Parse($"[Interface]\nPrivateKey = {Key}\nAddress = 10.0.0.1/32\n{peers}", "x");

    private static Task<ProxySession> StartAsync(params string[] rules) => ProxySession.StartAsync(
        new ProxyPlan { Configuration = Configuration($"[Peer]\nPublicKey = {Peer}\nAllowedIPs = 10.0.0.2/32\n"), Rules = [.. rules.Select(rule => RuleSetTests.Rule(rule, ProxyDirection.Ingress))] },
        new FlowRegistry(), Token);

    private ProxyControl Control(ProxySession session, Func<ProxyConfiguration>? load = null) => new(session, new ControlContext
    {
        Name = "x", Version = "1", Load = load ?? (() => session.Configuration), Store = RuleStore.Open(_folder), IsVerbose = () => false, SetVerbose = _ => { },
    });
}
