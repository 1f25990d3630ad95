using System.Globalization;
using System.Text.Json;
using Ginnel.Interop.Running;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.WireGuard;

/// <summary>A running proxy is asked and changed: by <c>ginnel ctl</c>, by curl and by what nexctl sends; it survives whatever it is told.</summary>
public sealed class ControlTests(TestNetwork network)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task RulesComeAndGoAndOutliveTheProcess()
    {
        await network.RequireAsync("wg", "curl", "python3");
        string state = Path.Combine(network.Folder, "ctl-state"), socket = Path.Combine(network.Folder, "ctl.sock");
        string[] options = ["--control", socket, "--state", state, "--egress", "tcp:8201:10.88.0.2:80"];
        await using (ProxyPair pair = await ProxyPair.StartAsync(network, 51_970, [], ["--ingress", $"tcp:80:127.0.0.1:{PeerServer.Http}"], options))
        {
            Assert.Equal("--egress tcp:8201:10.88.0.2:80\n", await CtlAsync(socket, "proxy", "list"));
            Assert.Equal("added --egress tcp:8202:10.88.0.2:80,name=second\n", await CtlAsync(socket, "proxy", "add", "--egress", "tcp:8202:10.88.0.2:80,name=second"));
            Assert.Equal("added --egress tcp:8203:[fd88::2]:80\n", await CtlAsync(socket, "proxy", "add", "egress", "tcp:8203:[fd88::2]:80"));
            Assert.Equal("200 200 200 ", await PagesAsync(8201, 8202, 8203));
            Assert.Equal("removed --egress tcp:8201:10.88.0.2:80\n", await CtlAsync(socket, "proxy", "remove", "--egress", "tcp:8201:10.88.0.2:80"));
            Assert.Equal("removed --egress tcp:8202:10.88.0.2:80,name=second\n", await CtlAsync(socket, "proxy", "remove", "second", "--now"));
            Assert.Equal("000 000 200 ", await PagesAsync(8201, 8202, 8203));
            await pair.EndAsync();
        }
        await using ProxyPair again = await ProxyPair.StartAsync(network, 51_970, [], ["--ingress", $"tcp:80:127.0.0.1:{PeerServer.Http}"], options);
        Assert.Equal("200 000 200 ", await PagesAsync(8201, 8202, 8203));
        Assert.Equal("[\"tcp:8203:[fd88::2]:80\"]", JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(state, "state.json"), Token))
            .RootElement.GetProperty("proxy-rules-config").GetProperty("egress").GetRawText().ReplaceLineEndings("").Replace(" ", "", StringComparison.Ordinal));
        await again.EndAsync();
    }

    [Fact]
    public async Task WhateverIsWrongIsToldAndTheProxyGoesOn()
    {
        await network.RequireAsync("wg", "curl", "python3");
        string socket = Path.Combine(network.Folder, "wrong.sock"), nexd = Path.Combine(network.Folder, "nexd.sock");
        await using ProxyPair pair = await ProxyPair.StartAsync(network, 51_972, [], ["--ingress", $"tcp:80:127.0.0.1:{PeerServer.Http}"],
            ["--control", socket, "--nexd-socket", nexd, "--state", "none", "--egress", "tcp:8211:10.88.0.2:80"]);
        string[] wrong =
        [
            "tcp:0:127.0.0.1:80", "tcp:90000:127.0.0.1:80", "tcp:80:127.0.0.1:0", "tcp:80:127.0.0.1:90000", "tcpa:80:127.0.0.1:80", "tcp:80", "tcp:80:127.0.0.1",
            "tcp:8080::80", "tcp:80:300.0.0.1:80", "tcp:80:fd00::1:80", "",
        ];
        foreach (string rule in wrong)
        {
            string body = JsonSerializer.Serialize(new { egress = new[] { rule } });
            Outcome asked = await network.RunAsync(Who.Root, "curl", "-s", "-w", "%{http_code}", "--unix-socket", socket, "http://x/v1/rules", "-d", body);
            Assert.EndsWith("400", asked.Output);
            if (rule.Length == 0) continue;
            Outcome told = await network.RunAsync(Who.Root, TestNetwork.Ginnel("ctl", "--socket", socket, "proxy", "add", "--egress", rule));
            Assert.Equal((2, ""), (told.ExitCode, told.Output));
            Assert.StartsWith("ginnel: ", told.Errors);
        }
        foreach (string body in (string[])["", "null", "3", "{", "[]", "{\"egress\":3}", "{\"egress\":[null]}", "{\"other\":[]}", "{}"])
        {
            Outcome asked = await network.RunAsync(Who.Root, "curl", "-s", "-w", "%{http_code}", "--unix-socket", socket, "http://x/v1/rules", "-d", body);
            Assert.EndsWith("400", asked.Output);
        }
        Assert.Equal((1, "ginnel: --egress tcp:8211:10.88.0.2:80 is there already\n"), await FailAsync(socket, "proxy", "add", "--egress", "tcp:8211:10.88.0.2:80"));
        Assert.Contains("there is no rule", (await FailAsync(socket, "proxy", "remove", "--egress", "tcp:8212:10.88.0.2:80")).Errors);
        // All or none: the second cannot be, so the first is not.
        Assert.Equal(1, (await FailAsync(socket, "proxy", "add", "--egress", "tcp:8213:10.88.0.2:80", "--egress", "tcp:8211:10.88.0.2:80")).ExitCode);
        Assert.Contains("is not possible here", (await FailAsync(socket, "reload", "now")).Errors);
        Outcome rpc = await network.RunAsync(Who.Root, "/usr/bin/python3", "-c", $$"""
            import socket, json
            def ask(method, argument):
                s = socket.socket(socket.AF_UNIX); s.connect('{{nexd}}')
                s.sendall(json.dumps({'method': 'NexdCtl.' + method, 'params': [argument], 'id': 9}).encode())
                a = json.loads(s.makefile().readline()); assert a['id'] == 9
                return a['result'] if a['error'] is None else 'error'
            for rule in {{JsonSerializer.Serialize(wrong)}}: assert ask('ProxyAddEgress', rule) == 'error' and ask('ProxyAddIngress', rule) == 'error'
            s = socket.socket(socket.AF_UNIX); s.connect('{{nexd}}'); s.sendall(b'GET / HTTP/1.0\r\n\r\n'); print(s.recv(9))
            print(ask('Status', ''), ask('GetTunnelIPv4', ''), ask('GetTunnelIPv6', ''), ask('Nope', ''))
            print(ask('ProxyAddEgress', 'tcp:8214:10.88.0.2:80'), ask('ProxyRemoveEgress', 'tcp:8211:10.88.0.2:80'), ask('ProxyRemoveEgress', 'tcp:8211:10.88.0.2:80'))
            print(ask('ProxyList', ''), list(json.loads(ask('ConnectivityV4', ''))['peers'].values())[0]['is_reachable'])
            print(ask('GetDebug', ''), ask('SetDebugOn', ''), ask('GetDebug', ''))
            """);
        Assert.Equal(
            "b''\nStatus: Running\n 10.88.0.1 fd88::1 error\nAdded egress proxy rule: tcp:8214:10.88.0.2:80\n Removed egress proxy rule: tcp:8211:10.88.0.2:80\n error\n"
            + "--egress tcp:8214:10.88.0.2:80\n True\noff Debug logging enabled on\n", rpc.Output);
        Assert.Equal("200 ", await PagesAsync(8214));
        await pair.EndAsync();
    }

    [Fact]
    public async Task StatusPeersPingMetricsAndReload()
    {
        await network.RequireAsync("wg", "curl", "python3");
        string socket = Path.Combine(network.Folder, "status.sock");
        await using ProxyPair pair = await ProxyPair.StartAsync(network, 51_974, [], ["--ingress", $"tcp:80:127.0.0.1:{PeerServer.Http}"],
            ["--control", socket, "--state", "none", "--metrics", "127.0.0.1:8220", "--name", "watched", "--egress", "tcp:8221:10.88.0.2:80"]);
        // Nobody repeats an echo that a loaded machine has lost.
        await EventuallyAsync(async () => (await AskAsync(socket, "ping", "10.88.0.2", "-c", "3")).Contains("3 of 3 answered", StringComparison.Ordinal));
        await EventuallyAsync(async () => (await AskAsync(socket, "ping", "fd88::2")).Contains("1 of 1 answered", StringComparison.Ordinal));
        (int code, _) = await FailAsync(socket, "ping", "10.88.0.77");
        Assert.Equal(1, code);
        Assert.Equal("200 ", await PagesAsync(8221));
        JsonElement status = JsonDocument.Parse(await CtlAsync(socket, "status", "--json")).RootElement;
        Assert.Equal(("watched", 1, 1, 1), (status.GetProperty("name").GetString(), status.GetProperty("peers").GetInt32(), status.GetProperty("healthyPeers").GetInt32(), status.GetProperty("rules").GetInt32()));
        JsonElement peer = JsonDocument.Parse(await CtlAsync(socket, "peers", "--json")).RootElement[0];
        Assert.True(peer.GetProperty("healthy").GetBoolean());
        Assert.Equal($"{TestNetwork.PeerAddress}:51974", peer.GetProperty("endpoint").GetString());
        // curl has its page before both of the flow's directions are known to have ended.
        string metrics = "";
        await EventuallyAsync(async () => (metrics = (await network.RunAsync(Who.Root, "curl", "-s", "http://127.0.0.1:8220/metrics")).Output)
            .Contains("ginnel_flows_ended_total 1\n", StringComparison.Ordinal));
        Assert.Contains($"ginnel_peer_healthy{{public_key=\"{peer.GetProperty("publicKey").GetString()}\"}} 1\n", metrics);
        Assert.Equal("ok\nok\n", (await network.RunAsync(Who.Root, "curl", "-s", "http://127.0.0.1:8220/healthz", "http://127.0.0.1:8220/readyz")).Output);
        Assert.Equal("0 peers added, 0 changed, 0 removed\n", await CtlAsync(socket, "reload"));
        string file = await File.ReadAllTextAsync(pair.NearFile, Token);
        await File.WriteAllTextAsync(pair.NearFile, file.Replace("AllowedIPs = 10.88.0.2/32", "AllowedIPs = 10.88.0.2/32, 10.90.0.0/16", StringComparison.Ordinal), Token);
        Assert.Equal("0 peers added, 1 changed, 0 removed\n", await CtlAsync(socket, "reload"));
        Assert.Contains("10.90.0.0/16", await CtlAsync(socket, "peers"));
        Assert.Equal("200 ", await PagesAsync(8221));
        await File.WriteAllTextAsync(pair.NearFile, file.Replace("Address = 10.88.0.1/32", "Address = 10.88.0.3/32", StringComparison.Ordinal), Token);
        Assert.Contains("Address has changed, which needs a restart", (await FailAsync(socket, "reload")).Errors);
        await File.WriteAllTextAsync(pair.NearFile, "[Interface", Token);
        Assert.Equal(1, (await FailAsync(socket, "reload")).ExitCode);
        Assert.Equal("200 ", await PagesAsync(8221));
        Assert.Contains("an instance named", (await network.RunAsync(Who.Root, TestNetwork.Ginnel("proxy", "--config", pair.FarFile, "--name", "watched", "--control", socket))).Errors);
        await pair.EndAsync();
        Assert.False(File.Exists(socket));
    }

    private static async Task EventuallyAsync(Func<Task<bool>> condition)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        while (!await condition()) await Task.Delay(50, patience.Token);
    }

    private async Task<string> AskAsync(string socket, params string[] words) => (await network.RunAsync(Who.Root, TestNetwork.Ginnel(["ctl", "--socket", socket, .. words]))).Output;

    private async Task<string> CtlAsync(string socket, params string[] words)
    {
        Outcome outcome = await network.RunAsync(Who.Root, TestNetwork.Ginnel(["ctl", "--socket", socket, .. words]));
        Assert.Equal("", outcome.Errors);
        Assert.Equal(0, outcome.ExitCode);
        return outcome.Output;
    }

    private async Task<(int ExitCode, string Errors)> FailAsync(string socket, params string[] words)
    {
        Outcome outcome = await network.RunAsync(Who.Root, TestNetwork.Ginnel(["ctl", "--socket", socket, .. words]));
        return (outcome.ExitCode, outcome.Errors);
    }

    private async Task<string> PagesAsync(params int[] ports)
    {
        string output = "";
        foreach (int port in ports)
            output += (await network.RunAsync(Who.Root, "curl", "-s", "-m", "20", "-o", "/dev/null", "-w", "%{http_code} ", string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/bytes/9"))).Output;
        return output;
    }
}
