namespace Ginnel.ProxyProtocols;

/// <summary>A CONNECT that waits for its dial.</summary>
internal sealed class HttpConnectPending(ProxyClient client, FlowInfo flow, TimeProvider time, string proxy) : ProxyPending(client, flow, time)
{
    protected override ReadOnlyMemory<byte> Success => HttpAnswers.Established;

    protected override ReadOnlyMemory<byte> Refusal(DialFailure reason) => HttpAnswers.Of(reason, proxy);
}
