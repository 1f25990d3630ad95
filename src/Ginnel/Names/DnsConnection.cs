using System.Buffers;
using Ginnel.Wire;

namespace Ginnel;

/// <summary>
/// One TCP connection of an asker: questions are read while earlier ones are under way, answers go back as they come (RFC 7766 sections 6.2.1
/// and 7). It ends when it is idle, or when the asker has closed its side and everything is answered.
/// </summary>
internal sealed class DnsConnection(DnsServer server, DuplexStream stream, DnsServerOptions options)
{
    private const int LargestQuery = 4096;
    private readonly SemaphoreSlim _slots = new(options.MaxPipelined, options.MaxPipelined);
    private readonly SemaphoreSlim _writing = new(1, 1);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[LargestQuery];
        while (true)
        {
            int length;
            using (CancellationTokenSource idle = new(options.IdleTimeout, options.Time))
            using (CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(idle.Token, cancellationToken))
            {
                length = await DnsFraming.ReadAsync(stream, buffer, either.Token).ConfigureAwait(false);
            }
            if (length <= 0) break;
            DnsResponseCode error = DnsQuery.Read(buffer.AsSpan(0, length), DnsTransport.Tcp, out DnsQuery? query);
            if (query is null && error == DnsResponseCode.NoError) break;
            await _slots.WaitAsync(cancellationToken).ConfigureAwait(false);
            byte[] bare = query is null ? new byte[DnsHeader.Size] : [];
            if (query is null) DnsAnswers.Bare(buffer.AsSpan(0, length), error, bare);
            _ = AnswerAsync(query, bare, cancellationToken);
        }
        for (int i = 0; i < options.MaxPipelined; i++) await _slots.WaitAsync(cancellationToken).ConfigureAwait(false);
        await stream.CompleteWritesAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task AnswerAsync(DnsQuery? query, byte[] bare, CancellationToken cancellationToken)
    {
        byte[] answer = ArrayPool<byte>.Shared.Rent(ushort.MaxValue);
        try
        {
            int length = bare.Length;
            if (query is null) bare.CopyTo(answer, 0);
            else length = await server.AnswerAsync(query, answer.AsMemory(0, ushort.MaxValue), cancellationToken).ConfigureAwait(false);
            await _writing.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                await DnsFraming.WriteAsync(stream, answer.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                _writing.Release();
            }
        }
        catch (Exception failure) when (failure is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The asker went away.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(answer);
            _slots.Release();
        }
    }
}
