using System.Net;
using Ginnel.Netstack;
using Ginnel.Wire;
using Ginnel.WireGuard.Protocol;

namespace Ginnel.WireGuard;

/// <content>Peers at run time.</content>
public sealed partial class WireGuardLink
{
    /// <summary>The peers as of now.</summary>
    public IReadOnlyList<WireGuardPeerStatus> Peers
    {
        get
        {
            lock (_control) return [.. _device.Peers.Select(ToStatus)];
        }
    }

    /// <summary>Adds a peer.</summary>
    /// <exception cref="ArgumentException">Its key is ours, is there already or is no good; an address is no good; its endpoint is of a kind that our carrier does not reach; or there are too many.</exception>
    public void AddPeer(WireGuardPeerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.PublicKey.Length != Messages.KeySize || options.PresharedKey is { Length: not Messages.KeySize })
            throw new ArgumentException("A key has 32 bytes.", nameof(options));
        if (options.PersistentKeepalive < TimeSpan.Zero || options.PersistentKeepalive > TimeSpan.FromSeconds(ushort.MaxValue))
            throw new ArgumentException("A persistent keepalive lies between 0 and 65,535 s.", nameof(options));
        IpPrefix[] prefixes = [.. options.AllowedIps.Select(ToPrefix)];
        CarrierEndpoint? endpoint = options.CarrierEndpoint ?? (options.Endpoint is IPEndPoint address ? new UdpEndpoint(address) : null);
        CarrierEndpoint? kind = options.Endpoint is DnsEndPoint { Port: var port } ? new UdpEndpoint(new IPEndPoint(IPAddress.Any, port)) : endpoint;
        if (kind is not null && !_carrier.CanReach(kind)) throw new ArgumentException($"{_carrier.GetType().Name} does not carry to {options.Endpoint ?? (object)kind}.", nameof(options));
        Peer? peer;
        lock (_control)
        {
            peer = _device.AddPeer(options.PublicKey, options.PresharedKey) ?? throw new ArgumentException(
                $"The peer {Convert.ToBase64String(options.PublicKey)} cannot be added: its key is our own, was added before, or is not one that keeps secrets.", nameof(options));
            _device.SetAllowedIps(peer, prefixes);
            peer.Endpoint = endpoint;
            if (options.PersistentKeepalive > TimeSpan.Zero) _device.SetPersistentKeepalive(peer, options.PersistentKeepalive, Now);
        }
        if (options.Endpoint is DnsEndPoint name) _names.Add(peer, name);
        Carry(new Outbox());
    }

    /// <summary>Ends a peer; false if there is none of this key.</summary>
    public bool RemovePeer(ReadOnlySpan<byte> publicKey)
    {
        lock (_control)
        {
            if (_device.FindPeer(publicKey) is not { } peer) return false;
            _names.Remove(peer);
            return _device.RemovePeer(publicKey);
        }
    }

    /// <summary>Replaces a peer's addresses; those of another peer change hands. False if there is none of this key.</summary>
    public bool SetAllowedIps(ReadOnlySpan<byte> publicKey, IReadOnlyList<IPNetwork> networks)
    {
        lock (_control)
        {
            if (_device.FindPeer(publicKey) is not { } peer) return false;
            _device.SetAllowedIps(peer, networks.Select(ToPrefix));
            return true;
        }
    }

    private static IpPrefix ToPrefix(IPNetwork network) => !network.BaseAddress.IsIPv4MappedToIPv6
        ? IpPrefix.From(network)
        : throw new ArgumentException($"{network} is a network of IPv4-mapped addresses, which no packet may bear; write it as one of IPv4.", nameof(network));

    private WireGuardPeerStatus ToStatus(Peer peer) => new(
        [.. peer.PublicKey], peer.Endpoint, [.. _device.AllowedIpsOf(peer).Select(prefix => prefix.ToIPNetwork())],
        peer.LastHandshake is { } at ? Now - at : null, peer.SentBytes, peer.ReceivedBytes, peer.PersistentKeepalive);

    private void SetResolved(Peer peer, CarrierEndpoint endpoint)
    {
        Outbox outbox = new();
        lock (_control)
        {
            if (peer.IsRemoved || _disposed != 0) return;
            bool isFirst = peer.Endpoint is null;
            peer.Endpoint = endpoint;
            // What has called for a handshake before there was an address need not wait for the next attempt.
            if (isFirst && (peer.StagedCount > 0 || peer.Timers.IsHandshaking))
            {
                peer.LastHandshakeSent = new Instant(long.MinValue / 2);
                _device.BeginHandshake(peer, _time.GetUtcNow(), Now, isRetry: true, outbox);
            }
        }
        Carry(outbox);
    }
}
