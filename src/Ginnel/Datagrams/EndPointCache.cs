using System.Net;
using Ginnel.Wire;

namespace Ginnel;

/// <summary>Remembers the BCL's form of endpoints that datagrams name again and again, so that the next one costs no memory.</summary>
internal sealed class EndPointCache
{
    private const int Limit = 256;
    // Most ports talk to one end.
    private Dictionary<IpEndpoint, IPEndPoint>? _known;
    private IpEndpoint _last;
    private IPEndPoint? _lastForm;

    internal IPEndPoint Of(IpEndpoint endpoint)
    {
        if (_lastForm is not null && _last == endpoint) return _lastForm;
        IPEndPoint form = _lastForm is null ? endpoint.ToIPEndPoint() : OfMany(endpoint);
        _last = endpoint;
        return _lastForm = form;
    }

    private IPEndPoint OfMany(IpEndpoint endpoint)
    {
        _known ??= new Dictionary<IpEndpoint, IPEndPoint> { [_last] = _lastForm! };
        if (_known.TryGetValue(endpoint, out IPEndPoint? form)) return form;
        if (_known.Count >= Limit) _known.Clear();
        return _known[endpoint] = endpoint.ToIPEndPoint();
    }
}
