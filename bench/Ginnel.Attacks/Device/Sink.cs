using System.Net;
using System.Net.Sockets;

namespace Ginnel.Attacks.Device;

/// <summary>Reads whatever comes and answers the first octets with one, on our stack or on the host's loopback.</summary>
internal sealed class Sink
{
    private long _received;

    /// <summary>Octets of all connections.</summary>
    internal long Received => Volatile.Read(ref _received);

    /// <summary>Serves connections of a stack until the listener is closed.</summary>
    internal async Task ServeAsync(StackListener listener)
    {
        while (await listener.AcceptStreamAsync().ConfigureAwait(false) is { } stream) _ = ReadAsync(stream);
    }

    /// <summary>Serves connections of the host.</summary>
    internal async Task ServeAsync(Socket listener, CancellationToken stop)
    {
        try
        {
            while (true) _ = ReadAsync(new NetworkStream(await listener.AcceptAsync(stop).ConfigureAwait(false), ownsSocket: true));
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Over.
        }
    }

    private async Task ReadAsync(Stream stream)
    {
        byte[]? buffer = null;
        try
        {
            // The flood's connections never bring anything, and shall not cost a buffer.
            await stream.ReadAsync(Memory<byte>.Empty).ConfigureAwait(false);
            buffer = new byte[256 << 10];
            bool isFirst = true;
            for (int count; (count = await stream.ReadAsync(buffer).ConfigureAwait(false)) > 0; isFirst = false)
            {
                Interlocked.Add(ref _received, count);
                if (isFirst) await stream.WriteAsync(buffer.AsMemory(0, 1)).ConfigureAwait(false);
            }
        }
        catch (IOException)
        {
            // Reset.
        }
        finally
        {
            await stream.DisposeAsync().ConfigureAwait(false);
        }
    }
}
