using Ginnel.PacketScripts.Syntax;
using Ginnel.Wire;

namespace Ginnel.PacketScripts.Running;

/// <summary>
/// Which flow the packets of a script are about: the one of the last <c>connect</c>, or the one that the first SYN behind a
/// <c>listen</c> begins. One at a time, as in the original.
/// </summary>
internal sealed class FlowsUnderTest(Profile profile)
{
    private const ushort FirstRemotePort = 33_000;
    private ushort _nextRemotePort = FirstRemotePort;
    private bool _awaitsSyn = true;
    private ushort _listenPort = profile.BindPort;

    internal Flow? Current { get; private set; }

    /// <summary>A socket listens: the next SYN is of a new flow.</summary>
    internal void Listen(ushort port)
    {
        _listenPort = port;
        _awaitsSyn = true;
    }

    internal void Connect(IpProtocol protocol, ushort localPort, ushort remotePort)
    {
        _awaitsSyn = false;
        Current = new Flow(protocol) { LocalPort = localPort, RemotePort = remotePort };
    }

    /// <summary>The flow of a packet from the peer.</summary>
    internal Flow For(PacketAction packet)
    {
        if (packet is TcpAction { IsInbound: true } tcp && (_awaitsSyn && IsSyn(tcp) || Current is null))
        {
            _awaitsSyn = !IsSyn(tcp) && _awaitsSyn;
            Current = new Flow(IpProtocol.Tcp)
            {
                LocalPort = tcp.Ports?.Destination ?? _listenPort, RemotePort = tcp.Ports?.Source ?? _nextRemotePort++,
            };
        }
        return Current ??= new Flow(packet is UdpAction ? IpProtocol.Udp : IpProtocol.Tcp) { LocalPort = profile.BindPort, RemotePort = profile.ConnectPort };
    }

    private static bool IsSyn(TcpAction tcp) => tcp.Segment.Flags.Contains('S', StringComparison.Ordinal) && !tcp.Segment.Flags.Contains('.', StringComparison.Ordinal);
}
