using System.Net;
using Ginnel.Proxy;

namespace Ginnel.Cli.Commands;

/// <summary>
/// <c>--stdio</c>: standard input and output are a connection into the tunnel, as ssh's <c>ProxyCommand</c> wants it. Ends when the other side has closed.
/// </summary>
internal static class StdioConversation
{
    /// <summary>Talks; the exit code.</summary>
    public static async Task<int> RunAsync(ProxySession session, EndPoint target, CancellationToken cancellationToken)
    {
        FlowInfo flow = new() { Protocol = FlowProtocol.Tcp, Origin = "stdio", Destination = target };
        DialResult dialled = await session.Host.Dialer.DialAsync(target, flow, cancellationToken).ConfigureAwait(false);
        if (!dialled.IsConnected)
        {
            string name = target is DnsEndPoint dns ? $"{dns.Host}:{dns.Port}" : target.ToString()!;
            Console.Error.WriteLine($"ginnel: --stdio: {name}: {DialFailures.ToText(dialled.Failure)}");
            return 1;
        }
        DuplexStream stream = dialled.Stream;
        await using (stream.ConfigureAwait(false))
        {
            // Standard input may stay open for ever; a reading of it cannot be cancelled, so it is not waited for.
            _ = UpAsync(stream);
            try
            {
                using Stream output = Console.OpenStandardOutput();
                await stream.CopyToAsync(output, cancellationToken).ConfigureAwait(false);
                return 0;
            }
            catch (IOException failure)
            {
                Console.Error.WriteLine($"ginnel: --stdio: {failure.Message}");
                return 1;
            }
        }
    }

    private static async Task UpAsync(DuplexStream stream)
    {
        try
        {
            using Stream input = Console.OpenStandardInput();
            await input.CopyToAsync(stream).ConfigureAwait(false);
            await stream.CompleteWritesAsync().ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is IOException or ObjectDisposedException)
        {
            // The other side is gone, which the direction down tells.
        }
    }
}
