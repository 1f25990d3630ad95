using Ginnel.Cli.CommandLine;
using Ginnel.Sandbox;

namespace Ginnel.Cli.Commands;

/// <summary>Where the lines about flows go.</summary>
internal sealed class FlowReport : IAsyncDisposable
{
    private FlowReport(LineQueue? log) => Log = log;

    /// <summary>The lines, or null for nowhere.</summary>
    public LineQueue? Log { get; }

    /// <summary>Opens what <c>-v</c> and <c>--log</c> ask for.</summary>
    /// <exception cref="UsageException">The file cannot be opened.</exception>
    public static FlowReport Open(OptionValues options)
    {
        if (options.Value("--log") is not { } path) return new FlowReport(options.Has("--verbose") ? new LineQueue(Console.Error) : null);
        try
        {
            return new FlowReport(new LineQueue(new StreamWriter(path, append: true), ownsWriter: true));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new UsageException($"--log: {path} cannot be opened: {failure.Message}");
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Log?.DisposeAsync() ?? default;
}
