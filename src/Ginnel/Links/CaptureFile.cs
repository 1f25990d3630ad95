using System.Buffers;
using Ginnel.Wire;

namespace Ginnel;

/// <summary>A pcapng file that one or more <see cref="CaptureLink"/> write to. Readable by its owner alone, for it holds what was said.</summary>
public sealed class CaptureFile : IDisposable
{
    private readonly Lock _lock = new();
    private readonly FileStream _file;
    private readonly ArrayBufferWriter<byte> _buffer = new(64 << 10);
    private readonly PcapngWriter _writer;
    private readonly long _maxBytes;
    private readonly TimeProvider _time;
    private long _written;

    /// <summary>Creates or replaces the file, with mode 0600.</summary>
    /// <param name="path">Where.</param>
    /// <param name="maxBytes">Most bytes; beyond it packets are counted instead of written.</param>
    /// <param name="time">The clock for time stamps; null for that of the process.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public CaptureFile(string path, long maxBytes = long.MaxValue, TimeProvider? time = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxBytes, 1);
        _maxBytes = maxBytes;
        _time = time ?? TimeProvider.System;
        FileStreamOptions options = new() { Mode = FileMode.Create, Access = FileAccess.Write, Share = FileShare.Read, BufferSize = 0 };
        // A file that exists keeps its mode on creation; remove it first, so that nobody else's open descriptor reads on.
        // A link goes too, or it would lead us to somebody else's file. What is no file (a FIFO for Wireshark, /dev/null, /dev/stdout) is
        // written to and stays as it is.
        if (IsReplaceable(Path.GetFullPath(path))) File.Delete(path);
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        _file = new FileStream(path, options);
        Restrict(_file);
        _writer = new PcapngWriter(_buffer, "ginnel");
    }

    // An empty file was not replaced, for its length says as little as a FIFO's; one that is a file after all gets the mode here.
    private static void Restrict(FileStream file)
    {
        if (OperatingSystem.IsWindows() || !file.CanSeek || IsDevice(file.Name)) return;
        try
        {
            File.SetUnixFileMode(file.SafeFileHandle, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Somebody else's file, which we were allowed to write: its mode is theirs.
        }
    }

    private static bool IsDevice(string path) =>
        path.StartsWith("/dev/", StringComparison.Ordinal) || path.StartsWith("/proc/", StringComparison.Ordinal);

    private static bool IsReplaceable(string path)
    {
        if (IsDevice(path)) return false;
        FileInfo old = new(path);
        return old.LinkTarget is not null || old is { Exists: true, Length: > 0 };
    }

    /// <summary>Packets that were not written: beyond the size, or after a failure.</summary>
    public long MissedCount { get; private set; }

    /// <summary>What stopped the writing; null while it goes well. The traffic itself is never stopped by it.</summary>
    public Exception? Failure { get; private set; }

    internal int AddInterface(PcapLinkType type, string name)
    {
        lock (_lock)
        {
            int id = _writer.AddInterface(type, name);
            Flush();
            return id;
        }
    }

    /// <summary>Records the packets from a position on; the queue keeps them.</summary>
    internal void Record(int id, ref PacketQueue queue, int skip, PcapDirection direction)
    {
        ulong now = (ulong)(_time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100;
        PacketQueue seen = default;
        lock (_lock)
        {
            for (int index = 0; queue.Take() is { } packet; index++)
            {
                if (index >= skip) Record(id, packet, now, direction);
                seen.Add(packet);
            }
            Flush();
        }
        queue = seen;
    }

    private void Record(int id, Packet packet, ulong now, PcapDirection direction)
    {
        if (Failure is not null || _written + _buffer.WrittenCount + packet.Length > _maxBytes) MissedCount++;
        else _writer.WritePacket(id, now, packet.Span, direction: direction);
    }

    // One system call per batch, and nothing is lost when the process is killed.
    private void Flush()
    {
        if (_buffer.WrittenCount == 0) return;
        try
        {
            if (Failure is null) _file.Write(_buffer.WrittenSpan);
            _written += _buffer.WrittenCount;
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            Failure = exception;
        }
        _buffer.ResetWrittenCount();
    }

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            Failure ??= new ObjectDisposedException(nameof(CaptureFile));
            _file.Dispose();
        }
    }
}
