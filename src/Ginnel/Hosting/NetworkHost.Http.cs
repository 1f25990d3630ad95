using System.Net;
using System.Net.Http;

namespace Ginnel;

/// <content>HTTP.</content>
public sealed partial class NetworkHost
{
    /// <summary>
    /// A handler whose connections go through this host: <c>new HttpClient(host.CreateHandler())</c>. Names are resolved by the host's
    /// resolver, never by the operating system; the system's proxy settings are not used.
    /// </summary>
    public SocketsHttpHandler CreateHandler() => new()
    {
        UseProxy = false,
        ConnectCallback = async (context, cancellationToken) =>
        {
            DnsEndPoint target = context.DnsEndPoint;
            EndPoint remote = IPAddress.TryParse(target.Host, out IPAddress? literal) ? new IPEndPoint(literal, target.Port) : target;
            return await ConnectAsync(remote, cancellationToken).ConfigureAwait(false);
        },
    };
}
