using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// Ports for connections that name none (RFC 6056 section 3.3.1, algorithm 1). Theory of operation: start at a random port of the
/// range and take the first whose four-tuple is free; a port may serve many remote endpoints at once. A stranger cannot predict the
/// port and so cannot hit a connection's four-tuple blindly.
/// </summary>
internal static class EphemeralPorts
{
    /// <summary>The first port of the range.</summary>
    internal const int First = 32_768;

    /// <summary>Ports in the range.</summary>
    internal const int Count = 65_536 - First;

    /// <summary>Chooses a port for a connection from an address to an endpoint; false when every port is in use towards it.</summary>
    internal static bool TryChoose(IpAddress local, in IpEndpoint remote, FlowTable flows, EntropySource entropy, out ushort port)
    {
        uint start = entropy.Next(Count);
        for (uint i = 0; i < Count; i++)
        {
            port = (ushort)(First + (start + i) % Count);
            var candidate = new IpEndpoint(local, port);
            // A connection of an endpoint with itself is legal but always a mistake (and a LAND packet, attack case C15).
            if (candidate != remote && flows.Find(candidate, remote) is null) return true;
        }
        port = 0;
        return false;
    }
}
