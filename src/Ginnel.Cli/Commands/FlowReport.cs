using Ginnel.Cli.CommandLine;

namespace Ginnel.Cli.Commands;

/// <summary>Where the lines about flows go.</summary>
internal sealed class FlowReport : IDisposable
{
    private readonly StreamWriter? _file;

    private FlowReport(TextWriter? log, StreamWriter? file) => (Log, _file) = (log, file);

    /// <summary>The writer, or null for nowhere.</summary>
    public TextWriter? Log { get; }

    /// <summary>Opens what <c>-v</c> and <c>--log</c> ask for.</summary>
    /// <exception cref="UsageException">The file cannot be opened.</exception>
    public static FlowReport Open(OptionValues options)
    {
        if (options.Value("--log") is not { } path) return new FlowReport(options.Has("--verbose") ? Console.Error : null, null);
        try
        {
            StreamWriter file = new(path, append: true);
            return new FlowReport(file, file);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new UsageException($"--log: {path} cannot be opened: {failure.Message}");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file?.Dispose();
}
