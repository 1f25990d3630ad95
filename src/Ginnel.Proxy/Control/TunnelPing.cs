using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Ginnel.Proxy.Control;

/// <summary>Echo requests through the tunnel (RFC 792, RFC 4443 section 4).</summary>
internal sealed class TunnelPing(NetworkHost host, IPAddress address)
{
    private const int SequenceSize = 2, PayloadSize = 56;

    /// <summary>Asks, one request after the other.</summary>
    public async Task<PingReport> RunAsync(int count, TimeSpan patience, CancellationToken cancellationToken)
    {
        IPEndPoint remote = new(address, 0);
        BindResult bound = await host.Dialer.BindAsync(new FlowInfo { Protocol = FlowProtocol.IcmpEcho, Destination = remote }, cancellationToken).ConfigureAwait(false);
        if (!bound.IsBound) return new PingReport(address.ToString(), 0, 0, [], DialFailures.ToText(bound.Failure));
        await using (bound.Port.ConfigureAwait(false))
        {
            List<double> times = [];
            DialFailure last = default;
            for (int i = 0; i < count; i++)
            {
                (double? milliseconds, last) = await AskAsync(bound.Port, remote, (ushort)i, patience, cancellationToken).ConfigureAwait(false);
                if (milliseconds is { } time) times.Add(time);
            }
            return new PingReport(address.ToString(), count, times.Count, times, times.Count > 0 ? null : DialFailures.ToText(last));
        }
    }

    private static async Task<(double? Milliseconds, DialFailure Failure)> AskAsync(IDatagramPort port, IPEndPoint remote, ushort sequence, TimeSpan patience, CancellationToken cancellationToken)
    {
        byte[] request = new byte[SequenceSize + PayloadSize], answer = new byte[1_500];
        BinaryPrimitives.WriteUInt16BigEndian(request, sequence);
        using CancellationTokenSource timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(patience);
        long sent = TimeProvider.System.GetTimestamp();
        try
        {
            DialFailure failure = await port.SendAsync(request, remote, timeout.Token).ConfigureAwait(false);
            while (failure.Kind == DialFailureKind.None)
            {
                DatagramItem item = await port.ReceiveAsync(answer, timeout.Token).ConfigureAwait(false);
                failure = item.Failure;
                if (failure.Kind == DialFailureKind.None && item.Length >= SequenceSize && BinaryPrimitives.ReadUInt16BigEndian(answer) == sequence)
                    return (TimeProvider.System.GetElapsedTime(sent).TotalMilliseconds, default);
            }
            return (null, failure);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return (null, new DialFailure(DialFailureKind.TimedOut, $"no answer within {patience.TotalMilliseconds:0} ms"));
        }
    }
}
