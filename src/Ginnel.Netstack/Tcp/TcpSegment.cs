using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>A segment that has arrived, as it is trimmed to the window on its way through the steps of RFC 9293 section 3.10.7.</summary>
internal ref struct TcpSegment
{
    internal TcpHeader Header;

    /// <summary>SEG.SEQ; moves when the front is trimmed.</summary>
    internal SequenceNumber Sequence;

    /// <summary>The data that are left.</summary>
    internal ReadOnlySpan<byte> Payload;

    /// <summary>Whether a FIN is left at the end.</summary>
    internal bool Fin;

    /// <summary>Segments on the wire that this one stands for: more than one for a super-segment.</summary>
    internal int Count;

    /// <summary>The ECN field with which it came.</summary>
    internal EcnCodepoint Ecn;

    /// <summary>Whether its data were cut off because our window is closed.</summary>
    internal bool IsWindowProbe;

    internal readonly bool Has(TcpFlags flag) => (Header.Flags & flag) != 0;

    /// <summary>SEG.LEN: octets in sequence space, SYN and FIN included (RFC 9293 section 3.3.1).</summary>
    internal readonly int Length => Payload.Length + (Has(TcpFlags.Syn) ? 1 : 0) + (Fin ? 1 : 0);

    /// <summary>SEG.SEQ + SEG.LEN.</summary>
    internal readonly SequenceNumber End => Sequence + Length;

    /// <summary>Cuts what lies before <paramref name="left"/>.</summary>
    internal void TrimFront(SequenceNumber left)
    {
        int cut = left - Sequence;
        if (cut <= 0) return;
        if (Has(TcpFlags.Syn))
        {
            Header.Flags &= ~TcpFlags.Syn;
            Sequence += 1;
            cut--;
        }
        int data = Math.Min(cut, Payload.Length);
        Payload = Payload[data..];
        Sequence += data;
        if (cut > data && Fin)
        {
            Fin = false;
            Sequence += 1;
        }
    }

    /// <summary>Cuts what lies at or behind <paramref name="right"/>, a FIN included; tells whether there was anything to cut.</summary>
    internal bool TrimBack(SequenceNumber right)
    {
        int room = right - Sequence;
        if (Payload.Length + (Fin ? 1 : 0) <= room) return false;
        Fin = false;
        if (Payload.Length > room) Payload = Payload[..Math.Max(0, room)];
        return true;
    }
}
