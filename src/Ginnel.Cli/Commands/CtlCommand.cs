using System.Globalization;
using System.Text.Json;
using Ginnel.Cli.CommandLine;
using Ginnel.Cli.Control;
using Ginnel.Proxy;
using Ginnel.Proxy.Control;

namespace Ginnel.Cli.Commands;

/// <summary><c>ginnel ctl</c>.</summary>
internal static class CtlCommand
{
    private const int Failed = 1, WrongWords = 2;
    private static readonly ControlJson Json = ControlJson.Default;

    /// <summary>Does what the words say.</summary>
    public static async Task<int> RunAsync(OptionValues options, IReadOnlyList<string> words)
    {
        try
        {
            Func<CtlClient, Task<int>> act = Plan(options, [.. words]);
            using CtlClient client = new(SocketOf(options));
            return await act(client).ConfigureAwait(false);
        }
        catch (UsageException wrong)
        {
            Console.Error.WriteLine($"ginnel: {wrong.Message}");
            return WrongWords;
        }
        catch (Exception failure) when (failure is CtlException or ConfigurationException or JsonException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"ginnel: {(failure is JsonException ? $"what answers is no ginnel proxy of this version: {failure.Message}" : failure.Message)}");
            return Failed;
        }
    }

    private static Func<CtlClient, Task<int>> Plan(OptionValues options, string[] words)
    {
        bool isJson = options.Has("--json");
        return words switch
        {
            ["status"] => client => ShowAsync(client.GetAsync("v1/status"), isJson, Json.StatusReport, CtlText.Status),
            ["peers"] => client => ShowAsync(client.GetAsync("v1/peers"), isJson, Json.IReadOnlyListPeerReport, CtlText.Peers),
            ["flows"] => client => ShowAsync(client.GetAsync("v1/flows"), isJson, Json.IReadOnlyListFlowLine, CtlText.Flows),
            ["flows", "end", var id] when long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out long number) => client => QuietAsync(client.DoAsync(HttpMethod.Delete, $"v1/flows/{number}")),
            ["ping", var address] => Ping(options, address, isJson),
            ["reload"] => client => ShowAsync(client.DoAsync(HttpMethod.Post, "v1/reload"), isJson, Json.ReloadReport, CtlText.Reload),
            ["debug"] => client => ShowAsync(client.GetAsync("v1/debug"), isJson, Json.DebugState, CtlText.Debug),
            ["debug", "on" or "off"] => client => ShowAsync(client.DoAsync(HttpMethod.Put, "v1/debug", new DebugState(words[1] == "on"), Json.DebugState), isJson, Json.DebugState, CtlText.Debug),
            ["proxy", "list"] => client => ShowAsync(client.GetAsync("v1/rules"), isJson, Json.IReadOnlyListRuleReport, CtlText.Rules),
            ["proxy", "add", .. var rest] => Change("v1/rules", Add(options, rest), Json.RuleRequest, isJson, "added"),
            ["proxy", "remove", .. var rest] => Change("v1/rules/remove", Remove(options, rest), Json.RemovalRequest, isJson, "removed"),
            ["proxy", "import", var file] => Import(file, isJson),
            ["proxy", ..] => throw new UsageException("proxy list, proxy add, proxy remove or proxy import FILE?"),
            [] => throw new UsageException("what is wanted? status, peers, ping ADDRESS, proxy list, proxy add, proxy remove, flows, reload, debug on or debug off"),
            _ => throw new UsageException($"'{string.Join(' ', words)}' is not possible here: ginnel ctl --help tells what is"),
        };
    }

    private static Func<CtlClient, Task<int>> Ping(OptionValues options, string address, bool isJson)
    {
        if (!System.Net.IPAddress.TryParse(address, out _)) throw new UsageException($"ping: '{address}' is no address, such as 10.0.0.1 or fd00::1");
        if (!int.TryParse(options.Value("--count") ?? "1", NumberStyles.None, CultureInfo.InvariantCulture, out int count) || count is < 1 or > 100)
            throw new UsageException($"--count: '{options.Value("--count")}' is no number from 1 to 100");
        return async client =>
        {
            string text = await client.DoAsync(HttpMethod.Post, "v1/ping", new PingRequest(address, count), Json.PingRequest).ConfigureAwait(false);
            await ShowAsync(Task.FromResult(text), isJson, Json.PingReport, CtlText.Ping).ConfigureAwait(false);
            return JsonSerializer.Deserialize(text, Json.PingReport)!.Received > 0 ? 0 : Failed;
        };
    }

    private static RuleRequest Add(OptionValues options, string[] rest)
    {
        (List<string> ingress, List<string> egress, List<string> bare) = Sides(options, rest);
        if (bare.Count > 0) throw new UsageException($"proxy add: which way does '{bare[0]}' lead? proxy add --ingress RULE or --egress RULE");
        if (ingress.Count + egress.Count == 0) throw new UsageException("proxy add: which rule? --ingress RULE or --egress RULE");
        // A rule that is no rule is a wrong word; the proxy judges for itself.
        foreach ((List<string> texts, ProxyDirection direction) in (ReadOnlySpan<(List<string>, ProxyDirection)>)[(ingress, ProxyDirection.Ingress), (egress, ProxyDirection.Egress)])
            foreach (string text in texts)
                if (!RuleParser.TryParse(direction, text, out _, out string? error)) throw new UsageException(error);
        return new RuleRequest(ingress, egress);
    }

    private static RemovalRequest Remove(OptionValues options, string[] rest)
    {
        (List<string> ingress, List<string> egress, List<string> bare) = Sides(options, rest);
        if (ingress.Count + egress.Count + bare.Count == 0) throw new UsageException("proxy remove: which rule? --ingress RULE, --egress RULE, or its name");
        return new RemovalRequest(ingress, egress, bare, options.Has("--now"));
    }

    /// <summary>Flags, and words of the form <c>ingress RULE</c>; <c>engress</c> is how the proposal of nexd spelled it.</summary>
    private static (List<string> Ingress, List<string> Egress, List<string> Bare) Sides(OptionValues options, string[] rest)
    {
        List<string> ingress = [.. options.List("--ingress")], egress = [.. options.List("--egress")], bare = [];
        for (int i = 0; i < rest.Length; i++)
        {
            List<string>? side = rest[i] switch { "ingress" => ingress, "egress" or "engress" => egress, _ => null };
            if (side is null) bare.Add(rest[i]);
            else if (++i < rest.Length) side.Add(rest[i]);
            else throw new UsageException($"proxy: {rest[i - 1]} of which rule?");
        }
        return (ingress, egress, bare);
    }

    private static Func<CtlClient, Task<int>> Import(string file, bool isJson)
    {
        IReadOnlyList<ProxyRule> rules = RuleStore.Read(file);
        if (rules.Count == 0) throw new CtlException($"{file}: there are no rules in it");
        List<string> Of(ProxyDirection direction) => [.. rules.Where(rule => rule.Direction == direction).Select(rule => rule.ToString())];
        return Change("v1/rules", new RuleRequest(Of(ProxyDirection.Ingress), Of(ProxyDirection.Egress)), Json.RuleRequest, isJson, "added");
    }

    private static Func<CtlClient, Task<int>> Change<T>(string path, T request, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type, bool isJson, string done) => client =>
        ShowAsync(client.DoAsync(HttpMethod.Post, path, request, type), isJson, Json.RulesChanged, changed => CtlText.Changed(changed, done));

    private static async Task<int> ShowAsync<T>(Task<string> asking, bool isJson, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type, Func<T, string> print)
    {
        string text = await asking.ConfigureAwait(false);
        Console.Out.Write(isJson ? text : print(JsonSerializer.Deserialize(text, type)!));
        return 0;
    }

    private static async Task<int> QuietAsync(Task<string> asking)
    {
        await asking.ConfigureAwait(false);
        return 0;
    }

    private static string SocketOf(OptionValues options)
    {
        if (options.Value("--socket") is { } path) return path;
        if (options.Value("--name") is { } name)
        {
            if (!Instance.IsName(name)) throw new UsageException($"--name: '{name}' is no instance's name: letters, digits, '.', '-' and '_', up to 64");
            return Instance.SocketOf(name) ?? throw new CtlException("neither XDG_RUNTIME_DIR nor HOME is set: name the socket with --socket PATH");
        }
        string[] sockets = Instance.Directory is { } directory && Directory.Exists(directory) ? Directory.GetFiles(directory, "*.sock") : [];
        return sockets switch
        {
            [var only] => only,
            [] => throw new CtlException($"no ginnel proxy of this user runs{(Instance.Directory is { } place ? $" (none in {place})" : "")}"),
            _ => throw new UsageException($"which one? --name {string.Join(", --name ", sockets.Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal))}"),
        };
    }
}
