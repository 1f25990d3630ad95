using System.Globalization;
using System.Text;

namespace Ginnel.Services.Http;

/// <summary>What to answer.</summary>
/// <param name="Status">Status code.</param>
/// <param name="ContentType">Media type.</param>
/// <param name="Body">The body.</param>
/// <param name="Headers">Further header lines, each ended by CRLF; trusted.</param>
public readonly record struct HttpAnswer(int Status, string ContentType, byte[] Body, string Headers = "")
{
    /// <summary>A line of plain text.</summary>
    public static HttpAnswer Plain(int status, string line, string headers = "") => new(status, "text/plain; charset=utf-8", Encoding.UTF8.GetBytes(line + "\n"), headers);
}

/// <summary>
/// A small HTTP/1.1 server on any listener, for pages that are read and nothing else: GET and HEAD, one request per connection, no body, limits on
/// size, time and number. It exists because a library user must not get a web framework with a status page.
/// </summary>
public sealed class HttpServer(IListener listener, Func<HttpRequestHead, HttpAnswer> answer, TimeProvider? time = null)
{
    /// <summary>Most bytes of a request's head; a longer one is refused with 431.</summary>
    public const int MaxHead = 8 << 10;

    /// <summary>Connections served at once; one more is refused.</summary>
    public const int MaxConnections = 32;

    /// <summary>How long a client may take for its request, and for reading the answer.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private const int MaxDrain = 64 << 10;
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private int _connections;

    /// <summary>Serves until the listener closes or the token is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (await listener.AcceptAsync(cancellationToken).ConfigureAwait(false) is { } pending)
            {
                if (Interlocked.Increment(ref _connections) > MaxConnections)
                {
                    Interlocked.Decrement(ref _connections);
                    pending.Reject(new DialFailure(DialFailureKind.Limit));
                    continue;
                }
                _ = ServeAsync(pending, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
    }

    private async Task ServeAsync(IPendingConnection pending, CancellationToken cancellationToken)
    {
        using CancellationTokenSource patience = new(Patience, _time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            DuplexStream stream = await pending.AcceptAsync(either.Token).ConfigureAwait(false);
            await using (stream.ConfigureAwait(false))
            {
                await ExchangeAsync(stream, either.Token).ConfigureAwait(false);
            }
        }
        catch (Exception failure) when (failure is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The client's affair: it went away, or took too long.
        }
        finally
        {
            Interlocked.Decrement(ref _connections);
        }
    }

    private async Task ExchangeAsync(DuplexStream stream, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[MaxHead];
        int length = await ReadHeadAsync(stream, buffer, cancellationToken).ConfigureAwait(false);
        if (length == 0) return;
        HttpRequestHead head = default;
        int refusal = length < 0 ? 431 : HttpRequestHead.Read(buffer.AsSpan(0, length), out head);
        HttpAnswer response = refusal != 0 ? HttpAnswer.Plain(refusal, Reason(refusal))
            : head.Method is "GET" or "HEAD" ? answer(head)
            : HttpAnswer.Plain(405, "This page can only be read.", "Allow: GET, HEAD\r\n");
        await stream.WriteAsync(Compose(response, head.Method == "HEAD"), cancellationToken).ConfigureAwait(false);
        await stream.CompleteWritesAsync(cancellationToken).ConfigureAwait(false);
        // Unread bytes would turn the close into a reset, which takes the answer away from a slow client (RFC 9112 section 9.6).
        for (int drained = 0; drained < MaxDrain;)
        {
            int count = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            if (count == 0) return;
            drained += count;
        }
        stream.Abort();
    }

    /// <summary>Bytes up to and including the empty line; 0 when the client left, -1 when the head is too long.</summary>
    private static async Task<int> ReadHeadAsync(DuplexStream stream, byte[] buffer, CancellationToken cancellationToken)
    {
        int filled = 0;
        while (filled < buffer.Length)
        {
            int count = await stream.ReadAsync(buffer.AsMemory(filled), cancellationToken).ConfigureAwait(false);
            if (count == 0) return 0;
            int from = Math.Max(0, filled - 3);
            filled += count;
            int end = EndOfHead(buffer.AsSpan(from, filled - from));
            if (end >= 0) return from + end;
        }
        return -1;
    }

    private static int EndOfHead(ReadOnlySpan<byte> bytes)
    {
        int crlf = bytes.IndexOf("\n\r\n"u8), lf = bytes.IndexOf("\n\n"u8);
        if (crlf >= 0 && (lf < 0 || crlf < lf)) return crlf + 3;
        return lf < 0 ? -1 : lf + 2;
    }

    private static byte[] Compose(HttpAnswer response, bool isHead)
    {
        string head = string.Create(CultureInfo.InvariantCulture,
            $"HTTP/1.1 {response.Status} {Reason(response.Status)}\r\nContent-Type: {response.ContentType}\r\nContent-Length: {response.Body.Length}\r\n"
            + $"Connection: close\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n{response.Headers}\r\n");
        byte[] bytes = Encoding.ASCII.GetBytes(head);
        return isHead ? bytes : [.. bytes, .. response.Body];
    }

    private static string Reason(int status) => status switch
    {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        421 => "Misdirected Request",
        431 => "Request Header Fields Too Large",
        505 => "HTTP Version Not Supported",
        _ => "Error",
    };
}
