using System.Net;
using System.Net.Sockets;

namespace Ginnel;

/// <summary>
/// Tries the addresses of a name so that a broken family costs a quarter of a second, not a timeout (RFC 8305): families alternate,
/// an attempt starts when the one before failed or 250 ms after it (section 5), the first to connect wins.
/// </summary>
internal static class HappyEyeballs
{
    private static readonly TimeSpan AttemptDelay = TimeSpan.FromMilliseconds(250);

    // Names with dozens of addresses exist; nobody waits for the ninth.
    private const int MaxAttempts = 8;

    internal static async ValueTask<DialResult> DialAsync(
        IReadOnlyList<IPAddress> addresses, int port, Func<IPEndPoint, CancellationToken, ValueTask<DialResult>> dial,
        TimeProvider time, CancellationToken cancellationToken)
    {
        List<IPAddress> ordered = Interleave(addresses);
        if (ordered.Count == 0) return DialResult.Failed(DialFailureKind.NameNotFound);
        if (ordered.Count == 1) return await dial(new IPEndPoint(ordered[0], port), cancellationToken).ConfigureAwait(false);
        using CancellationTokenSource losers = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        List<Task<DialResult>> running = [];
        DialFailure first = default;
        int next = 0;
        try
        {
            while (next < ordered.Count || running.Count > 0)
            {
                if (next < ordered.Count) running.Add(dial(new IPEndPoint(ordered[next++], port), losers.Token).AsTask());
                Task<DialResult>? ended = await NextAsync(running, next < ordered.Count, time, cancellationToken).ConfigureAwait(false);
                if (ended is null) continue;
                running.Remove(ended);
                DialResult result = await ended.ConfigureAwait(false);
                if (result.IsConnected) return result;
                if (first.Kind == DialFailureKind.None) first = result.Failure;
            }
            return DialResult.Failed(first);
        }
        finally
        {
            await losers.CancelAsync().ConfigureAwait(false);
            foreach (Task<DialResult> late in running) _ = DiscardAsync(late);
        }
    }

    private static async ValueTask<Task<DialResult>?> NextAsync(List<Task<DialResult>> running, bool moreToStart, TimeProvider time, CancellationToken cancellationToken)
    {
        Task<Task<DialResult>> any = Task.WhenAny(running);
        if (!moreToStart) return await any.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await any.WaitAsync(AttemptDelay, time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    // An attempt that connects after another has won must not leak its connection.
    private static async Task DiscardAsync(Task<DialResult> late)
    {
        try
        {
            DialResult result = await late.ConfigureAwait(false);
            result.Stream?.Abort();
            result.Stream?.Dispose();
        }
        catch (OperationCanceledException)
        {
        }
    }

    private static List<IPAddress> Interleave(IReadOnlyList<IPAddress> addresses)
    {
        List<IPAddress> ordered = [];
        if (addresses.Count == 0) return ordered;
        AddressFamily preferred = addresses[0].AddressFamily;
        Queue<IPAddress> same = new(addresses.Where(address => address.AddressFamily == preferred));
        Queue<IPAddress> other = new(addresses.Where(address => address.AddressFamily != preferred));
        while (ordered.Count < MaxAttempts && same.Count + other.Count > 0)
        {
            if (same.TryDequeue(out IPAddress? address)) ordered.Add(address);
            if (other.TryDequeue(out address)) ordered.Add(address);
        }
        return ordered;
    }
}
