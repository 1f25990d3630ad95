using System.Net;
using System.Security.Cryptography;
using Ginnel.Crypto;
using Ginnel.Linux.Carriers;
using Ginnel.WireGuard;

namespace Ginnel.Tunnels;

/// <summary>One end.</summary>
internal sealed class Tunnel : IAsyncDisposable
{
    private readonly byte[] _publicKey;
    private readonly WireGuardLink _link;

    public Tunnel(int number)
    {
        byte[] privateKey = RandomNumberGenerator.GetBytes(32);
        using (X25519Key key = new(privateKey)) _publicKey = key.PublicKey.ToArray();
        Address = IPAddress.Parse($"10.0.0.{number}");
        _link = new WireGuardLink(privateKey, UdpSegmentCarrier.Bind(new IPEndPoint(IPAddress.Loopback, 0)), new WireGuardOptions());
        HostInterface way = Host.AddInterface(new HostInterfaceOptions { Link = _link.Properties, Addresses = [new InterfaceAddress(Address, 24)] });
        Host.Attach(way, _link);
    }

    public IPAddress Address { get; }

    public NetworkHost Host { get; } = new(new NetworkHostOptions());

    public void Know(Tunnel other) => _link.AddPeer(new WireGuardPeerOptions
    {
        PublicKey = other._publicKey,
        Endpoint = (IPEndPoint)other._link.LocalEndPoint!,
        AllowedIps = [new IPNetwork(other.Address, 32)],
    });

    public ValueTask DisposeAsync() => Host.DisposeAsync();
}
