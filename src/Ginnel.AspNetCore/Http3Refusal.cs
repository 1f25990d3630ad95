using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Ginnel.AspNetCore;

/// <summary>
/// Stands before QUIC, which knows only the operating system's sockets: an endpoint that is a network host's must not be opened there because
/// it was to speak HTTP/3 as well.
/// </summary>
internal sealed class Http3Refusal(bool takesIp) : IMultiplexedConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public bool CanBind(EndPoint endpoint) => endpoint is NetworkHostEndPoint or ListenerEndPoint || (takesIp && endpoint is IPEndPoint);

    public ValueTask<IMultiplexedConnectionListener> BindAsync(EndPoint endpoint, IFeatureCollection? features = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException($"HTTP/3 cannot be spoken on {endpoint}: a network host carries HTTP/1.1 and HTTP/2. Set Protocols to Http1AndHttp2.");
}
