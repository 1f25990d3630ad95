using System.Buffers;
using System.Buffers.Text;

namespace Ginnel.ProxyProtocols;

/// <summary>How copying a body ended.</summary>
internal enum HttpCopyEnd : byte
{
    /// <summary>All of it was copied.</summary>
    Done,
    /// <summary>It ended or broke before its end, or its chunks are malformed.</summary>
    SourceBroke,
    /// <summary>Nobody takes it any more.</summary>
    SinkBroke,
}

/// <summary>Copies one body, and not a byte of what follows it (RFC 9112 sections 6 and 7).</summary>
internal sealed class HttpBodyCopy(ClientInput source, DuplexStream sink, HttpBodyKind framing)
{
    private const int MaxChunkLine = 1_024;
    private const int MaxTrailers = 16 << 10;
    private const int MaxPiece = 32 << 10;
    private const int ChunkOverhead = 16;

    internal async Task<HttpCopyEnd> RunAsync(HttpFraming body, CancellationToken cancellationToken)
    {
        try
        {
            bool isWhole = body.Kind switch
            {
                HttpBodyKind.None => true,
                HttpBodyKind.Length => await CopyAsync(body.Length, cancellationToken).ConfigureAwait(false),
                HttpBodyKind.Chunked => await CopyChunksAsync(cancellationToken).ConfigureAwait(false),
                _ => await CopyAllAsync(cancellationToken).ConfigureAwait(false),
            };
            if (!isWhole) return HttpCopyEnd.SourceBroke;
            if (framing == HttpBodyKind.Chunked) await WriteAsync("0\r\n\r\n"u8.ToArray(), cancellationToken).ConfigureAwait(false);
            return HttpCopyEnd.Done;
        }
        catch (SinkException)
        {
            return HttpCopyEnd.SinkBroke;
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            return HttpCopyEnd.SourceBroke;
        }
    }

    private async Task<bool> CopyAsync(long left, CancellationToken cancellationToken)
    {
        while (left > 0)
        {
            if (source.Unread.IsEmpty && !await source.FillAsync(cancellationToken).ConfigureAwait(false)) return false;
            int length = (int)Math.Min(left, Math.Min(source.Unread.Length, MaxPiece));
            await WritePieceAsync(source.Unread[..length], cancellationToken).ConfigureAwait(false);
            source.Skip(length);
            left -= length;
        }
        return true;
    }

    private async Task<bool> CopyAllAsync(CancellationToken cancellationToken)
    {
        do
        {
            int length = source.Unread.Length;
            if (length == 0) continue;
            await CopyAsync(length, cancellationToken).ConfigureAwait(false);
        }
        while (await source.FillAsync(cancellationToken).ConfigureAwait(false));
        return true;
    }

    // Section 7.1. Extensions and trailers end here: they mean nothing to whoever does not know them (sections 7.1.1 and 7.1.2).
    private async Task<bool> CopyChunksAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            int line = await LineAsync(MaxChunkLine, cancellationToken).ConfigureAwait(false);
            if (line < 0 || !TryReadSize(source.Unread.Span[..line], out long size)) return false;
            source.Skip(line + 2);
            if (size == 0) return await SkipTrailersAsync(cancellationToken).ConfigureAwait(false);
            if (!await CopyAsync(size, cancellationToken).ConfigureAwait(false)) return false;
            if (await LineAsync(0, cancellationToken).ConfigureAwait(false) != 0) return false;
            source.Skip(2);
        }
    }

    private async Task<bool> SkipTrailersAsync(CancellationToken cancellationToken)
    {
        for (int skipped = 0; skipped <= MaxTrailers;)
        {
            int line = await LineAsync(MaxTrailers / 16, cancellationToken).ConfigureAwait(false);
            if (line < 0) return false;
            source.Skip(line + 2);
            if (line == 0) return true;
            skipped += line + 2;
        }
        return false;
    }

    /// <summary>Length of the line that stands next, which ends with CR LF; -1 when it is longer than allowed, or none.</summary>
    private async Task<int> LineAsync(int limit, CancellationToken cancellationToken)
    {
        while (true)
        {
            int end = source.Unread.Span.IndexOfAny((byte)'\r', (byte)'\n');
            if (end > limit || (end < 0 && source.Unread.Length > limit)) return -1;
            if (end >= 0 && source.Unread.Length > end + 1) return source.Unread.Span[end] == '\r' && source.Unread.Span[end + 1] == '\n' ? end : -1;
            if (end >= 0 && source.Unread.Span[end] == '\n') return -1;
            if (!await source.FillAsync(cancellationToken).ConfigureAwait(false)) return -1;
        }
    }

    private static bool TryReadSize(ReadOnlySpan<byte> line, out long size)
    {
        size = 0;
        if (!HttpSyntax.IsFieldValue(line)) return false;
        int end = line.IndexOf((byte)';');
        ReadOnlySpan<byte> digits = HttpSyntax.Trim(end < 0 ? line : line[..end]);
        // Up to 15 digits: more is no body, and would overflow what others count with.
        return digits.Length is > 0 and <= 15 && Utf8Parser.TryParse(digits, out size, out int consumed, 'x') && consumed == digits.Length && size >= 0;
    }

    private async ValueTask WritePieceAsync(ReadOnlyMemory<byte> piece, CancellationToken cancellationToken)
    {
        if (framing != HttpBodyKind.Chunked)
        {
            await WriteAsync(piece, cancellationToken).ConfigureAwait(false);
            return;
        }
        byte[] chunk = ArrayPool<byte>.Shared.Rent(piece.Length + ChunkOverhead);
        try
        {
            Utf8Formatter.TryFormat(piece.Length, chunk, out int length, 'x');
            "\r\n"u8.CopyTo(chunk.AsSpan(length));
            piece.Span.CopyTo(chunk.AsSpan(length + 2));
            "\r\n"u8.CopyTo(chunk.AsSpan(length + 2 + piece.Length));
            await WriteAsync(chunk.AsMemory(0, length + 4 + piece.Length), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }

    private async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        try
        {
            await sink.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            throw new SinkException(exception);
        }
    }

    private sealed class SinkException(Exception inner) : Exception(inner.Message, inner);
}
