using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel.Attacks;

/// <summary>Somebody who wants the victim's memory or time. Called each millisecond, for each answer, and for each of his connections.</summary>
internal abstract class Attacker
{
    private double _credit;

    /// <summary>Packets a second.</summary>
    internal int Rate { get; init; } = 100_000;

    internal void Tick(Siege siege)
    {
        for (_credit += Rate / 1000.0; _credit >= 1; _credit--) Throw(siege);
    }

    private protected abstract void Throw(Siege siege);

    /// <summary>The victim has sent something to the attacker, or to one of his made-up addresses.</summary>
    internal virtual void Answered(Siege siege, ReadOnlySpan<byte> packet) { }

    /// <summary>A connection of his was accepted by the victim's application.</summary>
    internal virtual void Accepted(Siege siege, SocketId id) { }

    /// <summary>What the victim's application does for him.</summary>
    internal virtual void Serve(Siege siege) { }

    private protected static IpEndpoint MadeUp(Siege siege) =>
        new(IpAddress.FromV4(0x0B00_0000 + siege.Roll(1 << 24)), (ushort)(1024 + siege.Roll(60_000)));
}

/// <summary>SYNs from made-up addresses (attack case D1).</summary>
internal sealed class SynFlood : Attacker
{
    /// <summary>Bare acknowledgments among them, one in so many, in the hope that one is taken for a cookie; none with 0.</summary>
    internal int Acknowledgments { get; init; }

    private protected override void Throw(Siege siege)
    {
        bool guess = Acknowledgments > 0 && siege.Roll((uint)Acknowledgments) == 0;
        TcpHeader header = new()
        {
            Flags = guess ? TcpFlags.Ack : TcpFlags.Syn, Sequence = new SequenceNumber(siege.Roll(uint.MaxValue)), Window = 65_535,
            Acknowledgment = guess ? new SequenceNumber(siege.Roll(uint.MaxValue)) : default, MaximumSegmentSize = guess ? (ushort)0 : (ushort)1460,
        };
        siege.Throw(AttackPackets.Tcp(MadeUp(siege), siege.Destination, header));
    }
}

/// <summary>Fragments of packets that never become whole: first ones, or eight octets at a time (attack case D5).</summary>
internal sealed class FragmentBomb : Attacker
{
    /// <summary>Octets of each fragment.</summary>
    internal int Length { get; init; } = 1400;

    private uint _sent;

    private protected override void Throw(Siege siege)
    {
        uint n = _sent++;
        // Small pieces: always with a hole before them, so that none joins another.
        ushort id = (ushort)(Length >= 1000 ? n : n / 500);
        int offset = Length >= 1000 ? 0 : (int)(n % 500) * 16;
        siege.Throw(AttackPackets.Fragment(MadeUp(siege) is var who && Length >= 1000 ? who.Address : Siege.HonestAddress, Siege.VictimAddress, id, offset, Length));
    }
}

/// <summary>Who has connections of his own. He acknowledges the handshake; what follows is the subclass's.</summary>
internal abstract class ConnectedAttacker : Attacker
{
    private protected sealed class Held
    {
        internal IpEndpoint Source;
        internal SequenceNumber Next;
        internal SequenceNumber Una;
        internal SequenceNumber Most;
        internal SocketId AtVictim;
    }

    private protected readonly List<Held> Connections = [];
    private readonly Dictionary<IpEndpoint, Held> _bySource = [];

    /// <summary>Connections that he opens, one for each packet until he has them.</summary>
    internal int Count { get; init; } = 1;

    /// <summary>The window that he tells.</summary>
    internal ushort Window { get; init; } = 65_535;

    private int _opened;

    private protected override void Throw(Siege siege)
    {
        if (_opened < Count) { Open(siege); return; }
        if (Connections.Count > 0) Torment(siege, Connections[(int)siege.Roll((uint)Connections.Count)]);
    }

    private protected abstract void Torment(Siege siege, Held held);

    private void Open(Siege siege)
    {
        int n = _opened++;
        IpEndpoint source = new(IpAddress.FromV4(0x0B00_0001 + (uint)(n / 50_000)), (ushort)(2000 + n % 50_000));
        SequenceNumber iss = new(siege.Roll(uint.MaxValue));
        _bySource[source] = new Held { Source = source, Next = iss + 1 };
        Send(siege, source, new TcpHeader { Flags = TcpFlags.Syn, Sequence = iss, Window = Window, MaximumSegmentSize = 1460, SackPermitted = true });
    }

    internal override void Answered(Siege siege, ReadOnlySpan<byte> packet)
    {
        if (!AttackPackets.TryRead(packet, out _, out IpEndpoint to, out TcpHeader header, out int length)) return;
        if (!_bySource.TryGetValue(to, out Held? held) || header.Has(TcpFlags.Rst)) return;
        SequenceNumber end = header.Sequence + length;
        if (!header.Has(TcpFlags.Syn))
        {
            held.Most = SequenceNumber.Max(held.Most, end);
            Heard(siege, held, length);
            return;
        }
        if (held.Una != default) return;
        held.Una = held.Most = header.Sequence + 1;
        Connections.Add(held);
        Send(siege, held.Source, Acknowledging(held));
    }

    /// <summary>The victim has sent a segment of so many octets.</summary>
    private protected virtual void Heard(Siege siege, Held held, int length) { }

    private protected TcpHeader Acknowledging(Held held) => new() { Flags = TcpFlags.Ack, Sequence = held.Next, Acknowledgment = held.Una, Window = Window };

    private protected static void Send(Siege siege, IpEndpoint source, in TcpHeader header, ReadOnlySpan<byte> payload = default) =>
        siege.Throw(AttackPackets.Tcp(source, siege.Destination, header, payload));

    internal override void Accepted(Siege siege, SocketId id)
    {
        if (siege.Victim.TryGetFlow(id, out FlowKey flow) && _bySource.TryGetValue(flow.Remote, out Held? held)) held.AtVictim = id;
    }
}

/// <summary>One octet at a time, at random places beyond a hole (SegmentSmack, attack case C11).</summary>
internal sealed class SegmentSmack : ConnectedAttacker
{
    private protected override void Torment(Siege siege, Held held) =>
        Send(siege, held.Source, Acknowledging(held) with { Sequence = held.Next + 2 + (int)siege.Roll(30_000) * 2 }, [1]);
}

/// <summary>Takes data, acknowledges nothing, and SACKs single octets of it at random (attack case C10).</summary>
internal sealed class SackStorm : ConnectedAttacker
{
    private protected override void Torment(Siege siege, Held held)
    {
        int flight = held.Most - held.Una;
        TcpHeader header = Acknowledging(held);
        for (int i = 0; i < 4 && flight > 8; i++)
        {
            SequenceNumber left = held.Una + 1 + (int)siege.Roll((uint)flight - 4);
            header.Sack[header.SackCount++] = new SackBlock(left, left + 1);
        }
        Send(siege, held.Source, header);
    }

    internal override void Serve(Siege siege)
    {
        foreach (Held held in Connections) if (held.AtVictim != default) siege.Fill(siege.Victim, held.AtVictim);
    }
}

/// <summary>Many connections that want data and never open their window (sockstress, attack case C12). Every probe is answered.</summary>
internal sealed class ZeroWindowHoarder : ConnectedAttacker
{
    private protected override void Torment(Siege siege, Held held) { }

    private protected override void Heard(Siege siege, Held held, int length) => Send(siege, held.Source, Acknowledging(held));

    internal override void Accepted(Siege siege, SocketId id)
    {
        base.Accepted(siege, id);
        siege.Fill(siege.Victim, id);
    }

    // Those who found no room try again, some in each millisecond.
    internal override void Serve(Siege siege)
    {
        for (int i = 0; i < 10 && Connections.Count > 0; i++)
        {
            Held held = Connections[(int)siege.Roll((uint)Connections.Count)];
            if (held.AtVictim != default) siege.Fill(siege.Victim, held.AtVictim);
        }
    }
}

/// <summary>Many connections, each with one octet as far from the next as the window admits (attack case C11).</summary>
internal sealed class FarOctets : ConnectedAttacker
{
    private int _next;

    private protected override void Torment(Siege siege, Held held)
    {
        Held one = Connections[_next++ % Connections.Count];
        Send(siege, one.Source, Acknowledging(one) with { Sequence = one.Next + 16_000 }, [1]);
    }
}
