namespace Ginnel.Sandbox;

/// <summary>The capture that <c>--pcap</c> asks for: opened only once COMMAND is known to start, so that a mistyped one costs no older capture.</summary>
internal sealed class DeferredCapture(RunOptions options) : IDisposable
{
    private CaptureFile? _file;

    /// <summary>Opens the file; null where none was asked for.</summary>
    /// <exception cref="LaunchException">It cannot be written.</exception>
    public CaptureFile? Open()
    {
        if (options.CaptureFile is not { } path) return null;
        try
        {
            return _file = new CaptureFile(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new LaunchException(LaunchFailure.BadOptions, $"--pcap: {path} cannot be written: {failure.Message}", null, failure);
        }
    }

    public void Dispose() => _file?.Dispose();
}
