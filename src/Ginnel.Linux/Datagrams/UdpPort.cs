using System.Net;
using System.Net.Sockets;
using Ginnel.Linux.Events;

namespace Ginnel.Linux.Datagrams;

/// <summary>A UDP socket of the host: a datagram on the socket is a datagram.</summary>
internal sealed class UdpPort(EventLoop loop, Descriptor socket, AddressFamily family, IPEndPoint? local)
    : HostDatagramPort(loop, socket, family, local, sendsRuns: true)
{
    protected override int ReceivedHeaderSize => 0;

    protected override (int Length, int Swallowed) WriteHeader(Span<byte> header, ReadOnlySpan<byte> payload) => (0, 0);

    protected override int Accept(ReadOnlySpan<byte> header, Span<byte> payload, int length) => length;
}
