using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel.Testing;

/// <summary>A link between two hosts of a <see cref="SimulatedNetwork"/>. Each direction has its own treatment, randomness and counters.</summary>
public sealed class SimulatedLink
{
    private readonly LinkEnd _left;
    private readonly LinkEnd _right;

    internal SimulatedLink(LinkEnd left, LinkEnd right)
    {
        _left = left;
        _right = right;
    }

    /// <summary>Whether packets pass.</summary>
    public bool IsUp { get; private set; } = true;

    /// <summary>What befell packets from the first host to the second.</summary>
    public LinkCounters Forward => _left.Outgoing.Counters;

    /// <summary>What befell packets from the second host to the first.</summary>
    public LinkCounters Backward => _right.Outgoing.Counters;

    /// <summary>
    /// Changes the treatment of packets that enter from now on; both stacks are told when medium, MTU or offloads differ. Packets on their
    /// way are not touched.
    /// </summary>
    public void Change(SimulatedLinkOptions forward, SimulatedLinkOptions? backward = null)
    {
        ArgumentNullException.ThrowIfNull(forward);
        Replace(_left, forward);
        Replace(_right, backward ?? forward);
    }

    /// <summary>Takes the link down, losing what travels, or up again; both stacks are told.</summary>
    public void SetUp(bool up)
    {
        IsUp = up;
        foreach (LinkEnd end in Ends)
        {
            if (!up) end.Outgoing.Sever();
            end.Host.Stack.SetLink(end.Interface, end.Outgoing.Options.Properties, up, end.Host.Now);
        }
    }

    internal ReadOnlySpan<LinkEnd> Ends => new LinkEnd[] { _left, _right };

    private void Replace(LinkEnd end, SimulatedLinkOptions options)
    {
        LinkProperties before = end.Outgoing.Options.Properties;
        end.Outgoing.Options = options;
        if (before != options.Properties) end.Host.Stack.SetLink(end.Interface, options.Properties, IsUp, end.Host.Now);
    }
}

/// <summary>Where a link meets a host: what leaves here goes into <see cref="Outgoing"/> and comes out at <see cref="Peer"/>.</summary>
internal sealed class LinkEnd(SimulatedHost host, InterfaceId interfaceId, LinkDirection outgoing)
{
    internal SimulatedHost Host { get; } = host;
    internal InterfaceId Interface { get; } = interfaceId;
    internal LinkDirection Outgoing { get; } = outgoing;
    internal LinkEnd Peer { get; set; } = null!;
    internal SimulatedLink Link { get; set; } = null!;

    /// <summary>Asks the stack for packets while the link has room; true when there were any.</summary>
    internal bool Transmit(int budget, Action<Packet, LinkEnd> inspect, Instant now)
    {
        if (!Link.IsUp || !Host.Stack.HasOutput(Interface) || !Outgoing.HasRoom(now)) return false;
        PacketQueue queue = default;
        Host.Stack.Transmit(Interface, ref queue, budget, now);
        bool any = !queue.IsEmpty;
        while (queue.Take() is { } packet)
        {
            inspect(packet, this);
            Outgoing.Enter(packet, now);
        }
        return any;
    }
}
