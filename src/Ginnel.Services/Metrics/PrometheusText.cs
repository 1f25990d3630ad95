using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Ginnel.Services.Metrics;

/// <summary>
/// The instruments of one meter as Prometheus reads them (text format 0.0.4). It reads observable instruments, whose owner adds up anyway: nothing is
/// collected between two readings.
/// </summary>
public sealed class PrometheusText : IDisposable
{
    /// <summary>The media type.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly MeterListener _listener = new();
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, Family> _families = new(StringComparer.Ordinal);

    /// <summary>Reads the instruments of a meter.</summary>
    public PrometheusText(Meter meter)
    {
        ArgumentNullException.ThrowIfNull(meter);
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (ReferenceEquals(instrument.Meter, meter) && instrument.IsObservable) listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.Start();
    }

    /// <summary>The values of this moment.</summary>
    public string Read()
    {
        lock (_lock)
        {
            _families.Clear();
            _listener.RecordObservableInstruments();
            StringBuilder text = new();
            foreach ((string name, Family family) in _families)
            {
                text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {Escape(family.Help)}\n# TYPE {name} {family.Kind}\n");
                foreach (string sample in family.Samples) text.Append(name).Append(sample).Append('\n');
            }
            return text.ToString();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _listener.Dispose();

    // Called by RecordObservableInstruments, under the lock.
    private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        bool isCounter = instrument.GetType().GetGenericTypeDefinition() == typeof(ObservableCounter<>);
        string name = Name(instrument.Name) + Unit(instrument.Unit) + (isCounter ? "_total" : "");
        if (!_families.TryGetValue(name, out Family? family)) _families[name] = family = new Family(instrument.Description ?? "", isCounter ? "counter" : "gauge");
        StringBuilder sample = new();
        foreach ((string key, object? label) in tags)
            sample.Append(sample.Length == 0 ? '{' : ',').Append(Name(key)).Append("=\"").Append(Escape(Convert.ToString(label, CultureInfo.InvariantCulture) ?? "").Replace("\"", "\\\"", StringComparison.Ordinal)).Append('"');
        if (sample.Length > 0) sample.Append('}');
        family.Samples.Add(sample.Append(CultureInfo.InvariantCulture, $" {value:R}").ToString());
    }

    private static string Unit(string? unit) => unit switch
    {
        "s" => "_seconds",
        "By" => "_bytes",
        _ => "",
    };

    private static string Name(string name) => string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'));

    private static string Escape(string text) => text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private sealed record Family(string Help, string Kind)
    {
        public List<string> Samples { get; } = [];
    }
}
