using Ginnel.Cli.CommandLine;
using Ginnel.Sandbox;

namespace Ginnel.Cli.Commands;

/// <summary>The lines about a proxy's flows, which can be switched on and off while it runs.</summary>
internal sealed class ProxyLog : IAsyncDisposable
{
    private readonly LineQueue _lines;
    private readonly FlowRegistry _flows;
    private readonly IFlowObserver _observer;
    private readonly Lock _lock = new();
    private IDisposable? _observing;

    private ProxyLog(LineQueue lines, FlowRegistry flows, IFlowObserver observer) => (_lines, _flows, _observer) = (lines, flows, observer);

    /// <summary>Whether lines are written.</summary>
    public bool IsVerbose
    {
        get
        {
            lock (_lock) return _observing is not null;
        }
        set
        {
            lock (_lock)
            {
                if (value == _observing is not null) return;
                if (!value) _observing!.Dispose();
                _observing = value ? _flows.Observe(_observer) : null;
            }
        }
    }

    /// <summary>Opens what <c>-v</c>, <c>--log</c> and <c>--log-format</c> ask for.</summary>
    /// <exception cref="UsageException">The file cannot be opened, or the form is not known.</exception>
    public static ProxyLog Open(OptionValues options, FlowRegistry flows)
    {
        string form = options.Value("--log-format") ?? "text";
        if (form is not ("text" or "json")) throw new UsageException($"--log-format: '{form}' is neither text nor json");
        FlowReport report = FlowReport.Open(options);
        LineQueue lines = report.Log ?? new LineQueue(Console.Error);
        return new ProxyLog(lines, flows, form == "json" ? new FlowJsonLog(lines) : new FlowLog(lines)) { IsVerbose = report.Log is not null };
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        IsVerbose = false;
        return _lines.DisposeAsync();
    }
}
