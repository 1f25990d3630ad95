using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// Labels of IPv6 flows (RFC 6437 section 3): all packets between two endpoints bear the same, so that they take one way where there are
/// several, and a stranger cannot tell which others have.
/// </summary>
internal sealed class FlowLabels(KeyedHash hash)
{
    private const byte Purpose = 4;
    private const uint Mask = 0xF_FFFF;

    /// <summary>The label of what goes from the local to the remote endpoint; zero over IPv4, which has none.</summary>
    internal uint Of(in FlowKey flow) => flow.Local.Address.IsV4 ? 0 : (uint)hash.Of(flow, Purpose, (ulong)flow.Protocol) & Mask;
}
