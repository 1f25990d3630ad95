using System.Net;
using System.Net.NetworkInformation;
using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel;

/// <summary>An interface of a host. It outlives its links.</summary>
public sealed partial class HostInterface
{
    private readonly Shard _shard;
    private readonly List<InterfaceAddress> _addresses = [];
    private LinkAttachment? _attachment;

    internal HostInterface(Shard shard, InterfaceId id, string name, MacAddress mac)
    {
        _shard = shard;
        Id = id;
        Name = name;
        Mac = mac;
    }

    internal InterfaceId Id { get; }
    internal MacAddress Mac { get; }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Its Ethernet address; without meaning on medium IP.</summary>
    public PhysicalAddress PhysicalAddress
    {
        get
        {
            byte[] bytes = new byte[MacAddress.Size];
            Mac.Write(bytes);
            return new PhysicalAddress(bytes);
        }
    }

    /// <summary>Its addresses, a copy.</summary>
    public IReadOnlyList<InterfaceAddress> Addresses
    {
        get
        {
            lock (_addresses) return [.. _addresses];
        }
    }

    /// <summary>The link that is attached, or null.</summary>
    public LinkAttachment? Attachment => Volatile.Read(ref _attachment);

    /// <summary>Adds an address; its network becomes reachable through the interface.</summary>
    /// <exception cref="ArgumentException">The address cannot be an interface's, or a limit is reached.</exception>
    public void AddAddress(InterfaceAddress address)
    {
        (InterfaceId Id, IpAddress Address, int Length) state = (Id, IpAddress.From(address.Address), address.PrefixLength);
        OpStatus status = _shard.Run(ref state, static (NetworkStack stack, ref (InterfaceId Id, IpAddress Address, int Length) a, Instant now, ref ShardWork _) =>
            stack.AddAddress(a.Id, a.Address, a.Length, now));
        if (status != OpStatus.Ok) throw new ArgumentException($"{address} cannot be added to {Name}: {status}.", nameof(address));
        lock (_addresses) _addresses.Add(address);
    }

    /// <summary>Takes an address away; false if the interface has not got it.</summary>
    public bool RemoveAddress(IPAddress address)
    {
        (InterfaceId Id, IpAddress Address) state = (Id, IpAddress.From(address));
        OpStatus status = _shard.Run(ref state, static (NetworkStack stack, ref (InterfaceId Id, IpAddress Address) a, Instant _, ref ShardWork _) =>
            stack.RemoveAddress(a.Id, a.Address));
        if (status != OpStatus.Ok) return false;
        lock (_addresses) _addresses.RemoveAll(a => a.Address.Equals(address));
        return true;
    }

    internal bool TryAttach(LinkAttachment attachment) => Interlocked.CompareExchange(ref _attachment, attachment, null) is null;

    internal void Forget(LinkAttachment attachment) => Interlocked.CompareExchange(ref _attachment, null, attachment);
}
