using System.Net;

namespace Ginnel.AspNetCore;

/// <summary>A TCP endpoint of a <see cref="NetworkHost"/>, where an <see cref="IPEndPoint"/> would mean one of the operating system.</summary>
public sealed class NetworkHostEndPoint : EndPoint, IEquatable<NetworkHostEndPoint>
{
    /// <summary>An endpoint of a host.</summary>
    /// <param name="host">The host; it must outlive what serves on it.</param>
    /// <param name="local">One of its addresses, or <see cref="IPAddress.Any"/> or <see cref="IPAddress.IPv6Any"/>; port 0 lets it choose.</param>
    public NetworkHostEndPoint(NetworkHost host, IPEndPoint local)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(local);
        Host = host;
        Local = local;
    }

    /// <summary>The host.</summary>
    public NetworkHost Host { get; }

    /// <summary>Where on it.</summary>
    public IPEndPoint Local { get; }

    /// <inheritdoc/>
    public bool Equals(NetworkHostEndPoint? other) => other is not null && ReferenceEquals(Host, other.Host) && Local.Equals(other.Local);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as NetworkHostEndPoint);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Host, Local);

    /// <summary>The address and port alone, for Kestrel puts a scheme before it and calls the result an address.</summary>
    public override string ToString() => Local.ToString();
}
