using System.Net;
using Ginnel.Wire;

namespace Ginnel;

/// <summary>Puts one question to a client's servers until one of them answers it.</summary>
internal sealed class DnsExchange(IDialer dialer, DnsClientOptions options)
{
    /// <summary>Bytes of answer that are offered over UDP: what passes any path unfragmented (RFC 9715 section 3).</summary>
    internal const ushort UdpAnswer = 1232;

    // Datagrams that answer nothing of ours and are passed over before a server is given up.
    private const int MaxStrays = 16;

    internal async ValueTask<(byte[] Answer, DialFailure Failure)> AskAsync(ReadOnlyMemory<byte> question, CancellationToken cancellationToken)
    {
        if (DnsQuery.Read(question.Span, DnsTransport.Udp, out DnsQuery? query) != DnsResponseCode.NoError || query is null)
            return ([], new DialFailure(DialFailureKind.NameNotFound, "the question cannot be put"));
        DialFailure last = new(DialFailureKind.TimedOut, "no name server answered");
        byte[] refusal = [];
        for (int attempt = 0; attempt < options.Attempts; attempt++)
        {
            foreach (IPEndPoint server in options.Servers)
            {
                using CancellationTokenSource timeout = new(options.Timeout, options.Time);
                using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
                try
                {
                    (byte[] answer, DialFailure failure) = await AskOneAsync(query, question, server, either.Token).ConfigureAwait(false);
                    if (failure.Kind != DialFailureKind.None) last = failure;
                    else if (IsFinal(answer)) return (answer, default);
                    else refusal = answer;
                }
                catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
                {
                    // Its time is over; the next one's turn.
                }
                catch (Exception exception) when (exception is IOException or ObjectDisposedException)
                {
                    last = new DialFailure(DialFailureKind.HostUnreachable, exception.Message);
                }
            }
        }
        return refusal.Length > 0 ? (refusal, default) : ([], last);
    }

    // A server that could not or would not is asked no further, but another may know.
    private static bool IsFinal(byte[] answer) => DnsView.TryParse(answer, out DnsView view) == DropReason.None
        && view.Header.ResponseCode is DnsResponseCode.NoError or DnsResponseCode.NameError;

    private async ValueTask<(byte[] Answer, DialFailure Failure)> AskOneAsync(
        DnsQuery query, ReadOnlyMemory<byte> question, IPEndPoint server, CancellationToken cancellationToken)
    {
        FlowInfo flow = new() { Protocol = FlowProtocol.Udp, Origin = "dns", Destination = server };
        BindResult bound = await dialer.BindAsync(flow, cancellationToken).ConfigureAwait(false);
        // A way out without datagrams still has TCP.
        if (!bound.IsBound) return await AskByTcpAsync(query, question, server, cancellationToken).ConfigureAwait(false);
        await using (bound.Port.ConfigureAwait(false))
        {
            DialFailure failure = await bound.Port.SendAsync(question, server, cancellationToken).ConfigureAwait(false);
            if (failure.Kind != DialFailureKind.None) return ([], failure);
            byte[] buffer = new byte[UdpAnswer];
            for (int strays = 0; strays < MaxStrays; strays++)
            {
                DatagramItem item = await bound.Port.ReceiveAsync(buffer, cancellationToken).ConfigureAwait(false);
                if (!server.Equals(item.Remote)) continue;
                if (item.Failure.Kind != DialFailureKind.None) return ([], item.Failure);
                if (!query.IsAnsweredBy(buffer.AsSpan(0, item.Length), query.Header.Id, out DnsHeader header)) continue;
                if (header.IsTruncated) return await AskByTcpAsync(query, question, server, cancellationToken).ConfigureAwait(false);
                return (buffer[..item.Length], default);
            }
        }
        return ([], new DialFailure(DialFailureKind.TimedOut, $"{server} sent no answer among {MaxStrays} datagrams"));
    }

    private async ValueTask<(byte[] Answer, DialFailure Failure)> AskByTcpAsync(
        DnsQuery query, ReadOnlyMemory<byte> question, IPEndPoint server, CancellationToken cancellationToken)
    {
        FlowInfo flow = new() { Protocol = FlowProtocol.Tcp, Origin = "dns", Destination = server };
        DialResult dialled = await dialer.DialAsync(server, flow, cancellationToken).ConfigureAwait(false);
        if (!dialled.IsConnected) return ([], dialled.Failure);
        await using (dialled.Stream.ConfigureAwait(false))
        {
            await DnsFraming.WriteAsync(dialled.Stream, question, cancellationToken).ConfigureAwait(false);
            byte[] buffer = new byte[ushort.MaxValue];
            int length = await DnsFraming.ReadAsync(dialled.Stream, buffer, cancellationToken).ConfigureAwait(false);
            if (length > 0 && query.IsAnsweredBy(buffer.AsSpan(0, length), query.Header.Id, out _)) return (buffer[..length], default);
            return ([], new DialFailure(DialFailureKind.HostUnreachable, $"{server} answered something else over TCP"));
        }
    }
}
