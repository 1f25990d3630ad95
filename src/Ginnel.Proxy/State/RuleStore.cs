using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Ginnel.Proxy;

/// <summary>
/// The rules that were added at run time, in a file that outlives the process. It has the shape of nexd's <c>state.json</c>, so that one of nexd's
/// can be taken over as it is; what else stands in the file stays there.
/// </summary>
public sealed class RuleStore
{
    private const string FileName = "state.json", Section = "proxy-rules-config";
    private const int MaxBytes = 4 << 20;
    private readonly string _path;

    private RuleStore(string path) => _path = path;

    /// <summary>The rules of the file, in its order; of those that were saved last.</summary>
    public IReadOnlyList<ProxyRule> Rules { get; private set; } = [];

    /// <summary>Opens a directory; it is made when there is something to keep, for its owner alone.</summary>
    /// <exception cref="ConfigurationException">The file in it says something wrong.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It belongs to someone else.</exception>
    public static RuleStore Open(string directory)
    {
        ArgumentNullException.ThrowIfNull(directory);
        RuleStore store = new(Path.GetFullPath(Path.Combine(directory, FileName)));
        if (File.Exists(store._path)) store.Rules = Read(store._path);
        return store;
    }

    /// <summary>The rules of a file of ours or of nexd's.</summary>
    /// <exception cref="ConfigurationException">It says something wrong.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static IReadOnlyList<ProxyRule> Read(string path)
    {
        JsonObject root = Load(path);
        if (root[Section] is null) return [];
        if (root[Section] is not JsonObject section) throw new ConfigurationException($"{path}: {Section} is no object");
        return [.. Direction(path, section, "ingress", ProxyDirection.Ingress), .. Direction(path, section, "egress", ProxyDirection.Egress)];
    }

    /// <summary>Replaces the rules of the file. It is there whole, old or new, whatever happens meanwhile.</summary>
    /// <exception cref="IOException">It cannot be written; the old one stands.</exception>
    public void Save(IReadOnlyList<ProxyRule> rules)
    {
        ArgumentNullException.ThrowIfNull(rules);
        string directory = Path.GetDirectoryName(_path)!;
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(directory);
        else Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        JsonObject root = File.Exists(_path) ? Load(_path) : [];
        root[Section] = new JsonObject { ["egress"] = ToArray(rules, ProxyDirection.Egress), ["ingress"] = ToArray(rules, ProxyDirection.Ingress) };
        string fresh = _path + ".new";
        FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        // What a crash left there, or somebody put there, would keep its mode or lead elsewhere.
        File.Delete(fresh);
        try
        {
            using (FileStream file = new(fresh, options))
            {
                using (Utf8JsonWriter writer = new(file, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping })) root.WriteTo(writer);
                file.WriteByte((byte)'\n');
                file.Flush(flushToDisk: true);
            }
            File.Move(fresh, _path, overwrite: true);
        }
        catch
        {
            File.Delete(fresh);
            throw;
        }
        Rules = rules;
    }

    private static JsonArray ToArray(IReadOnlyList<ProxyRule> rules, ProxyDirection direction) =>
        [.. rules.Where(rule => rule.Direction == direction).Select(rule => JsonValue.Create(rule.ToString()))];

    private static JsonObject Load(string path)
    {
        if (new FileInfo(path).Length > MaxBytes) throw new ConfigurationException($"{path}: larger than {MaxBytes} bytes, which no file of rules is");
        try
        {
            return JsonNode.Parse(File.ReadAllText(path), documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false }) as JsonObject ?? throw new ConfigurationException($"{path}: no JSON object");
        }
        catch (JsonException failure)
        {
            throw new ConfigurationException($"{path}: no JSON: {failure.Message}");
        }
    }

    private static IEnumerable<ProxyRule> Direction(string path, JsonObject section, string name, ProxyDirection direction)
    {
        if (section[name] is null) yield break;
        if (section[name] is not JsonArray rules) throw new ConfigurationException($"{path}: {Section}.{name} is no list of rules");
        foreach (JsonNode? node in rules)
        {
            if (node is not JsonValue value || !value.TryGetValue(out string? text)) throw new ConfigurationException($"{path}: {Section}.{name} holds something that is no text");
            if (!RuleParser.TryParse(direction, text, out ProxyRule? rule, out string? error)) throw new ConfigurationException($"{path}: {name}: {error}");
            yield return rule;
        }
    }
}
