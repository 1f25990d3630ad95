using Ginnel.Wire;

namespace Ginnel.Fuzz;

internal static class LinkTargets
{
    internal static DropReason Ethernet(ReadOnlySpan<byte> bytes)
    {
        DropReason reason = EthernetView.TryParse(bytes, out EthernetView view);
        if (reason != DropReason.None) return reason;
        Keep.True(view.Payload.Length == bytes.Length - EthernetHeader.Size, "the payload is what stands behind the header");
        Span<byte> copy = stackalloc byte[EthernetHeader.Size];
        EthernetHeader.Read(view).Write(copy);
        Keep.True(copy.SequenceEqual(bytes[..EthernetHeader.Size]), "an Ethernet header round-trips");
        Keep.True(!view.Source.IsGroup, "no group sends");
        return reason;
    }

    internal static DropReason Arp(ReadOnlySpan<byte> bytes)
    {
        DropReason reason = ArpView.TryParse(bytes, out ArpView view);
        if (reason != DropReason.None) return reason;
        Span<byte> copy = stackalloc byte[ArpHeader.Size];
        ArpHeader.Read(view).Write(copy);
        Keep.True(copy.SequenceEqual(bytes[..ArpHeader.Size]), "an ARP packet round-trips");
        return reason;
    }
}
