namespace Ginnel.ProxyProtocols;

/// <summary>A CONNECT that waits for its dial.</summary>
internal sealed class Socks5Pending(ProxyClient client, FlowInfo flow, TimeProvider time) : ProxyPending(client, flow, time)
{
    // The address from which the target was dialled (BND.ADDR) is the relay's affair, and often one that the client must not learn.
    protected override ReadOnlyMemory<byte> Success { get; } = Socks5Reply.Of(Socks5Code.Succeeded);

    protected override ReadOnlyMemory<byte> Refusal(DialFailure reason) => Socks5Reply.Of(Socks5Reply.CodeOf(reason.Kind));
}
