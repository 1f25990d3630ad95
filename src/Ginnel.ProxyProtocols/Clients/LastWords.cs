using System.Buffers;

namespace Ginnel.ProxyProtocols;

/// <summary>Says something to a client and closes, so that it arrives.</summary>
internal static class LastWords
{
    /// <summary>How long a client may take to read it and close (RFC 1928 section 6 gives a proxy 10 s to be gone).</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private const int MaxDrain = 256 << 10;

    /// <summary>Never throws.</summary>
    internal static async Task SayAsync(DuplexStream stream, ReadOnlyMemory<byte> words, TimeProvider time)
    {
        using CancellationTokenSource patience = new(Patience, time);
        try
        {
            await stream.WriteAsync(words, patience.Token).ConfigureAwait(false);
            await stream.CompleteWritesAsync(patience.Token).ConfigureAwait(false);
            // Bytes that nobody read turn a close into a reset, which takes the answer away from a slow client (RFC 9112 section 9.6).
            if (!await DrainAsync(stream, patience.Token).ConfigureAwait(false)) stream.Abort();
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or OperationCanceledException)
        {
            stream.Abort();
        }
        await stream.DisposeAsync().ConfigureAwait(false);
    }

    private static async Task<bool> DrainAsync(DuplexStream stream, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(4 << 10);
        try
        {
            for (int drained = 0; drained < MaxDrain;)
            {
                int read = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
                if (read == 0) return true;
                drained += read;
            }
            return false;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
