namespace Ginnel.ProxyProtocols;

/// <summary>How long a client may take for its request, and how many may be at it.</summary>
internal readonly record struct ClientLimits(TimeSpan HandshakeTimeout, int MaxHandshakes, TimeProvider Time)
{
    internal static ClientLimits Checked(TimeSpan handshakeTimeout, int maxHandshakes, TimeProvider? time, string name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(handshakeTimeout, TimeSpan.Zero, name);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxHandshakes, 1, name);
        return new ClientLimits(handshakeTimeout, maxHandshakes, time ?? TimeProvider.System);
    }
}
