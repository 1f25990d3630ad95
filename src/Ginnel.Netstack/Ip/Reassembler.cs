using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// Joins fragments (RFC 791 section 3.2, RFC 8200 section 4.5). Overlaps condemn the whole packet in both families (RFC 5722, RFC 1858);
/// entries and bytes are limited, and the oldest gives way (RFC 6274 section 3.6, RFC 4963).
/// </summary>
internal sealed class Reassembler(StackContext context, IcmpSender errors) : Timed
{
    // Never touched, hence ordered by age and, as all wait equally long, by deadline.
    private readonly BoundedTable<ReassemblyKey, Reassembly> _entries = new(context.Options.MaxReassemblies);
    private int _bytes;

    internal int Count => _entries.Count;
    internal int Bytes => _bytes;

    private void Charge(int bytes)
    {
        _bytes += bytes;
        context.Memory.Count(MemoryUse.Reassembly, bytes);
    }

    /// <summary>Adds a fragment; when it completes its packet, the packet stands at the start of a rented array.</summary>
    /// <param name="fragment">The fragment.</param>
    /// <param name="on">Where it came in.</param>
    /// <param name="now">The time.</param>
    /// <param name="whole">To be given back to the shared array pool; null if the packet is not complete.</param>
    /// <param name="length">Bytes of the packet.</param>
    internal DropReason Add(in Fragment fragment, NetworkInterface on, Instant now, out byte[]? whole, out int length)
    {
        whole = null;
        length = 0;
        if (IsTiny(fragment)) return DropReason.BadFragment;
        if (!_entries.TryGet(fragment.Key, out Reassembly? entry) && !TryOpen(fragment, on, now, out entry)) return DropReason.ReassemblyLimit;
        if (!MakeRoom(Reassembly.CostOf(fragment), entry)) return DropReason.ReassemblyLimit;
        int before = entry.Cost;
        DropReason reason = entry.Add(fragment);
        Charge(entry.Cost - before);
        if (!entry.IsComplete) return reason;
        length = entry.WholeLength;
        if (length < 0)
        {
            int held = entry.Cost;
            entry.Poison();
            Charge(entry.Cost - held);
            return DropReason.BadFragment;
        }
        if (entry.IsEcnContradictory)
        {
            Remove(entry);
            return DropReason.FragmentEcn;
        }
        whole = ArrayPool<byte>.Shared.Rent(length);
        entry.Write(whole);
        Remove(entry);
        return DropReason.None;
    }

    internal override void OnDeadline(Instant now)
    {
        while (_entries.TryPeekOldest(out Reassembly? oldest) && oldest.Deadline <= now)
        {
            if (!oldest.IsPoisoned) context.Drop(DropReason.ReassemblyTimeout);
            if (!oldest.FirstFragment.IsEmpty)
                errors.SendReassemblyTimeout(oldest.Interface!, oldest.Key.Source, oldest.Key.Destination, oldest.FirstFragment,
                    oldest.IsForOwnAddress, now);
            Remove(oldest);
        }
        Arm();
    }

    /// <summary>
    /// A first fragment that does not hold the transport header, or a second that overwrites it, serves to deceive filters (RFC 1858,
    /// RFC 3128). For IPv6 the parser has seen to the whole chain (RFC 7112).
    /// </summary>
    private static bool IsTiny(in Fragment fragment)
    {
        if (!fragment.Key.Source.IsV4) return false;
        if (fragment.Offset == 0) return fragment.Payload.Length < (fragment.Protocol == IpProtocol.Tcp ? TcpHeader.MinimumSize : 8);
        return fragment.Protocol == IpProtocol.Tcp && fragment.Offset < TcpHeader.MinimumSize;
    }

    private bool TryOpen(in Fragment fragment, NetworkInterface on, Instant now, [NotNullWhen(true)] out Reassembly? entry)
    {
        while (_entries.IsFull && _entries.TryPeekOldest(out Reassembly? oldest)) Evict(oldest);
        entry = null;
        if (!MakeRoom(Reassembly.EntryCost, null)) return false;
        entry = new Reassembly(fragment.Key, now + context.Options.ReassemblyTimeout)
        {
            Interface = on, IsForOwnAddress = fragment.IsForOwnAddress,
        };
        _entries.Add(fragment.Key, entry);
        Charge(entry.Cost);
        Arm();
        return true;
    }

    private bool MakeRoom(int cost, Reassembly? forEntry)
    {
        while (_bytes + cost > context.Options.MaxReassemblyBytes || !context.Memory.Has(cost))
        {
            if (!_entries.TryPeekOldest(out Reassembly? oldest)) return false;
            if (oldest != forEntry)
            {
                Evict(oldest);
                continue;
            }
            // It is its own oldest: alone it already asks for more than there is.
            Remove(oldest);
            return false;
        }
        return true;
    }

    private void Evict(Reassembly entry)
    {
        context.Drop(DropReason.ReassemblyLimit);
        Remove(entry);
    }

    private void Remove(Reassembly entry)
    {
        Charge(-entry.Cost);
        entry.Release();
        _entries.Remove(entry.Key);
        Arm();
    }

    private void Arm() => context.Timers.Arm(this, _entries.TryPeekOldest(out Reassembly? oldest) ? oldest.Deadline : Instant.Never);
}
