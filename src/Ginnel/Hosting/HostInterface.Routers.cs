using System.Net;
using Ginnel.Netstack;

namespace Ginnel;

/// <content>IPv6 routers of the link: what they say, and being one.</content>
public sealed partial class HostInterface
{
    /// <summary>
    /// Its addresses as the stack has them at this moment, formed ones included, with what has become of each: a tentative one is not yet
    /// in use, a duplicate one is another station's.
    /// </summary>
    public IReadOnlyDictionary<IPAddress, AddressState> AddressStates =>
        _shard.Peek(Id, static (stack, id) => stack.AddressesOf(id)).ToDictionary(one => one.Address.ToIPAddress(), one => one.State);

    /// <summary>The default routers that have advertised themselves, with <see cref="HostInterfaceOptions.AcceptRouterAdvertisements"/>.</summary>
    public IReadOnlyList<IPAddress> DefaultRouters =>
        [.. Advertised.Routes.Where(route => route.Destination.Length == 0 && route.Gateway is not null).Select(route => route.Gateway!.Value.ToIPAddress())];

    /// <summary>The DNS servers that routers have advertised (RFC 8106), in the order in which they were learned.</summary>
    public IReadOnlyList<IPAddress> AdvertisedNameServers => [.. Advertised.NameServers.Select(server => server.Address.ToIPAddress())];

    private AdvertisedConfiguration Advertised => _shard.Peek(Id, static (stack, id) => stack.AdvertisedTo(id));

    /// <summary>Says goodbye to the link if the interface is a router.</summary>
    internal void EndRouting()
    {
        InterfaceId id = Id;
        _shard.Run(ref id, static (NetworkStack stack, ref InterfaceId way, Instant now, ref ShardWork _) => stack.SetRouterAdvertisements(way, null, now));
    }

    /// <summary>
    /// Makes the interface an IPv6 router for its link, changes what it tells, or, with null, says goodbye: hosts then look for another one.
    /// </summary>
    /// <exception cref="ArgumentException">Something cannot be told.</exception>
    /// <exception cref="InvalidOperationException">The interface listens to other routers.</exception>
    public void SetRouter(HostRouterOptions? router)
    {
        // Checked here as well: an exception inside the shard would be taken for a fault of ours, and end the host.
        RouterAdvertisementOptions? core = router?.ToCore();
        core?.Check(_shard.Peek(Id, static (stack, id) => stack.LinkOf(id)).Mtu);
        (InterfaceId Id, RouterAdvertisementOptions? Core) state = (Id, core);
        OpStatus status = _shard.Run(ref state, static (NetworkStack stack, ref (InterfaceId Id, RouterAdvertisementOptions? Core) s, Instant now, ref ShardWork _) =>
            stack.SetRouterAdvertisements(s.Id, s.Core, now));
        if (status == OpStatus.InvalidState) throw new InvalidOperationException($"{Name} accepts router advertisements, and cannot send them as well.");
    }
}
