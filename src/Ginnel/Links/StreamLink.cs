using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel;

/// <summary>A link over any <see cref="Stream"/>: a socket, TLS, a pipe to a child process, QEMU. Packets are framed by their length.</summary>
/// <remarks>
/// Streams split and join what is written as they please; the framing alone says where packets begin. Packets are written in batches of up
/// to 128 KiB and read in chunks of up to 256 KiB. The other end sees packets of the MTU: super-segments of the stack are cut where they are
/// written into the batch, and what continues each other in a chunk is joined before the stack sees it. The stream may be one that blocks:
/// unless <see cref="StreamLinkOptions.Scheduler"/> says otherwise, it is only touched by tasks of the thread pool.
/// </remarks>
public sealed partial class StreamLink : ILink
{
    internal const int LargestFrame = 14 + 65_535;
    private readonly Stream _input;
    private readonly Stream _output;
    private readonly StreamLinkOptions _options;
    private readonly int _prefixSize;
    private readonly int _ipOffset;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile ILinkSink? _sink;
    private int _running;
    private int _disposed;
    private long _dropped;

    /// <summary>A link over a stream of two directions, which nobody else may use from now on.</summary>
    public StreamLink(Stream stream, StreamLinkOptions? options = null) : this(stream, stream, options)
    {
    }

    /// <summary>A link over two streams, such as a process's standard input and output, which nobody else may use from now on.</summary>
    /// <param name="input">What the other end writes.</param>
    /// <param name="output">What the other end reads.</param>
    /// <param name="options">How it behaves.</param>
    public StreamLink(Stream input, Stream output, StreamLinkOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(output);
        (_input, _output) = (input, output);
        _options = options ?? new StreamLinkOptions();
        _prefixSize = _options.Framing == StreamFraming.UInt32 ? 4 : 2;
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.Mtu, 68, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(_options.Mtu, 65_535, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.MaxFrame, 68, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(_options.MaxFrame, LargestFrame, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.SendQueueBytes, 1, nameof(options));
        _ipOffset = _options.Medium == LinkMedium.Ethernet ? EthernetHeader.Size : 0;
        if (_options.Framing == StreamFraming.UInt16 && _options.Mtu + _ipOffset > ushort.MaxValue)
            throw new ArgumentOutOfRangeException(nameof(options), _options.Mtu, $"16 bits of length hold an MTU of at most {ushort.MaxValue - _ipOffset}.");
        _coalescer = new SegmentCoalescer(_ipOffset);
        Properties = new LinkProperties(_options.Medium, _options.Mtu, LinkOffloads.All, Reliable: true);
    }

    /// <inheritdoc/>
    public LinkProperties Properties { get; }

    /// <summary>Packets that arrived while the pool was at its limit, and packets to send that contradicted themselves.</summary>
    public long DroppedCount => Volatile.Read(ref _dropped);

    /// <inheritdoc/>
    public async Task RunAsync(ILinkSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(sink);
        if (Interlocked.Exchange(ref _running, 1) != 0) throw new InvalidOperationException("A stream link runs once: what was left half read cannot be resumed.");
        _sink = sink;
        WakeWriter();
        // Some streams block and cannot be cancelled: the run ends without them, and what they bring afterwards is discarded.
        Task reading = ReadAllAsync(sink, cancellationToken);
        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(static state => ((StreamLink)state!)._ended.TrySetResult(), this);
        Task first = await Task.WhenAny(reading, _ended.Task).ConfigureAwait(false);
        _sink = null;
        try
        {
            await first.ConfigureAwait(false);
        }
        catch (Exception exception) when (Volatile.Read(ref _disposed) != 0 || cancellationToken.IsCancellationRequested)
        {
            // Whatever a stream throws when it is closed under its reader is no news.
            _ = exception;
        }
        finally
        {
            StopWriter();
        }
    }

    /// <summary>Ends the link; prompt even when the stream blocks.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        _ended.TrySetResult();
        StopWriter();
        if (!_options.OwnsStream) return;
        await CloseAsync(_output).ConfigureAwait(false);
        if (!ReferenceEquals(_input, _output)) await CloseAsync(_input).ConfigureAwait(false);
    }

    private static async ValueTask CloseAsync(Stream stream)
    {
        try
        {
            await stream.DisposeAsync().ConfigureAwait(false);
        }
        catch (IOException)
        {
            // It was broken; it is closed now.
        }
    }

    private void Break(Exception exception) =>
        _ended.TrySetException(exception as IOException ?? new IOException($"The stream link broke: {exception.Message}", exception));
}
