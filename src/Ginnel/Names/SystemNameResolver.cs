using System.Net;
using System.Net.Sockets;

namespace Ginnel;

/// <summary>The operating system's resolver, in the order that it prefers.</summary>
public sealed class SystemNameResolver : INameResolver
{
    /// <summary>The one instance that is needed.</summary>
    public static SystemNameResolver Shared { get; } = new();

    /// <inheritdoc/>
    public async ValueTask<NameResult> ResolveAsync(string name, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (IPAddress.TryParse(name, out IPAddress? literal)) return new NameResult([literal]);
        try
        {
            IPAddress[] addresses = await Dns.GetHostAddressesAsync(name, cancellationToken).ConfigureAwait(false);
            return addresses.Length == 0 ? NameResult.NotFound(name) : new NameResult(addresses);
        }
        catch (SocketException exception) when (exception.SocketErrorCode is SocketError.HostNotFound or SocketError.NoData)
        {
            return NameResult.NotFound(name);
        }
        catch (SocketException exception)
        {
            return new NameResult([], new DialFailure(DialFailureKind.NameNotFound, $"{name}: {exception.Message}"));
        }
        catch (ArgumentException)
        {
            return new NameResult([], new DialFailure(DialFailureKind.NameNotFound, $"{name}: not a valid name"));
        }
    }
}
