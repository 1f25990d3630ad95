using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <content>Fragments.</content>
internal sealed partial class IpInput
{
    private static DropReason ReceiveFragment(in IpV4View view, in Arrival arrival, Instant now) => DropReason.ReassemblyLimit;
    private static DropReason ReceiveFragment(in IpV6View view, in Arrival arrival, Instant now) => DropReason.ReassemblyLimit;
}
