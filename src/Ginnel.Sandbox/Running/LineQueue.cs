using System.Globalization;
using System.Threading.Channels;

namespace Ginnel.Sandbox;

/// <summary>
/// Lines for people, written by one task in the order in which they were added. A reader that stalls, a pager or a full pipe, loses lines
/// and is told so later; it never holds up who reports. Thread-safe.
/// </summary>
public sealed class LineQueue : IAsyncDisposable
{
    /// <summary>Lines that may wait; further ones are lost.</summary>
    public const int Limit = 4_096;

    /// <summary>How long the last lines may take.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly TextWriter _writer;
    private readonly bool _ownsWriter;
    private readonly Channel<string> _lines = Channel.CreateBounded<string>(new BoundedChannelOptions(Limit) { SingleReader = true });
    private readonly Task _writing;
    private long _lost;

    /// <summary>Begins to write.</summary>
    /// <param name="writer">Used by this object alone until it is disposed of.</param>
    /// <param name="ownsWriter">Whether it is disposed of with this object.</param>
    public LineQueue(TextWriter writer, bool ownsWriter = false)
    {
        ArgumentNullException.ThrowIfNull(writer);
        (_writer, _ownsWriter) = (writer, ownsWriter);
        _writing = Task.Run(WriteAsync);
    }

    /// <summary>Adds a line; drops it when too many wait, or when the queue is closed.</summary>
    public void Add(string line)
    {
        if (!_lines.Writer.TryWrite(line)) Interlocked.Increment(ref _lost);
    }

    /// <summary>Writes what waits, for a bounded time, and closes.</summary>
    public async ValueTask DisposeAsync()
    {
        _lines.Writer.TryComplete();
        // A writer that is stuck is left as it is: to close it would wait for the same reader.
        await _writing.WaitAsync(Patience).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_ownsWriter && _writing.IsCompleted) await _writer.DisposeAsync().ConfigureAwait(false);
    }

    private async Task WriteAsync()
    {
        while (await _lines.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            try
            {
                while (_lines.Reader.TryRead(out string? line)) _writer.WriteLine(line);
                if (Interlocked.Exchange(ref _lost, 0) is var lost and > 0)
                    _writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ginnel: {lost} lines were lost here, because nobody read"));
                _writer.Flush();
            }
            catch (Exception failure) when (failure is IOException or ObjectDisposedException)
            {
                // A full disk or a closed terminal must not cost the program its network.
            }
        }
    }
}
