using System.Buffers;
using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <content>Fragments on their way into the reassembler, and whole packets on their way out of it.</content>
internal sealed partial class IpInput
{
    private readonly Reassembler _reassembler = new(context, errors);

    internal Reassembler Reassembler => _reassembler;

    private DropReason ReceiveFragment(in IpV4View view, in Arrival arrival, bool isOwn, Instant now)
    {
        IpAddress source = view.Source, destination = view.Destination;
        return Reassemble(new Fragment
        {
            Key = new ReassemblyKey(arrival.Interface.Id, source, destination, view.Identification, view.Protocol),
            Header = view.Header, Protocol = view.Protocol, Offset = view.FragmentOffset, HasMore = view.MoreFragments,
            Ecn = (EcnCodepoint)(view.TrafficClass & 3), IsForOwnAddress = isOwn, Payload = view.Payload, IpBytes = view.Bytes,
        }, arrival, now);
    }

    private DropReason ReceiveFragment(in IpV6View view, in Arrival arrival, bool isOwn, Instant now)
    {
        IpAddress source = view.Source, destination = view.Destination;
        return Reassemble(new Fragment
        {
            Key = new ReassemblyKey(arrival.Interface.Id, source, destination, view.Identification, default),
            Header = view.Bytes[..view.FragmentHeaderOffset], NextHeaderAt = view.FragmentPredecessorOffset, Protocol = view.Protocol,
            Offset = view.FragmentOffset, HasMore = view.MoreFragments, Ecn = (EcnCodepoint)(view.TrafficClass & 3), IsForOwnAddress = isOwn,
            Payload = view.Payload, IpBytes = view.Bytes,
        }, arrival, now);
    }

    private DropReason Reassemble(in Fragment fragment, in Arrival arrival, Instant now)
    {
        DropReason reason = _reassembler.Add(fragment, arrival.Interface, now, out byte[]? whole, out int length);
        if (whole is null) return reason;
        Arrival complete = arrival with { IsReassembled = true, Segmentation = default, Checksum = ChecksumState.Unverified };
        reason = ReceiveIp(whole.AsSpan(0, length), complete, now);
        ArrayPool<byte>.Shared.Return(whole);
        return reason;
    }
}
