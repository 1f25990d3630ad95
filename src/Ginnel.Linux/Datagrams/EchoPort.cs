using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Ginnel.Linux.Events;
using Ginnel.Wire;

namespace Ginnel.Linux.Datagrams;

/// <summary>
/// ICMP echo through a socket of the host. A ping socket (icmp(7)) has one identifier of the kernel's choice and gets only its own replies;
/// a raw socket, where root has no ping sockets, picks its own identifier and sorts out everybody else's replies.
/// </summary>
internal sealed class EchoPort : HostDatagramPort
{
    /// <summary>Type, code, checksum, identifier; the sequence number is the payload's beginning.</summary>
    private const int HeaderSize = 6;

    private const int LongestIpV4Header = 20; // raw sockets strip nothing, and options on an echo reply are nobody's wish
    private readonly bool _isRaw;
    private readonly ushort _identifier;
    private volatile int _port;

    public EchoPort(EventLoop loop, Descriptor socket, AddressFamily family, bool isRaw, ushort identifier) : base(loop, socket, family, null, sendsRuns: false)
    {
        _isRaw = isRaw;
        _identifier = identifier;
    }

    private bool IsV4 => Family == AddressFamily.InterNetwork;

    protected override int ReceivedHeaderSize => _isRaw && IsV4 ? LongestIpV4Header + HeaderSize : HeaderSize;

    protected override (int Length, int Swallowed) WriteHeader(Span<byte> header, ReadOnlySpan<byte> payload)
    {
        const byte RequestV4 = 8, RequestV6 = 128;
        if (payload.Length < 2) return (-1, 0);
        header[..HeaderSize].Clear();
        header[0] = IsV4 ? RequestV4 : RequestV6;
        BinaryPrimitives.WriteUInt16BigEndian(header[4..], _identifier);
        // ICMPv6 checksums and those of ping sockets are the kernel's affair (RFC 3542 section 3.1).
        if (_isRaw && IsV4)
        {
            BinaryPrimitives.WriteUInt16BigEndian(header[2..],
                (ushort)~Checksum.Fold(Checksum.Sum(payload, Checksum.Sum(header[..HeaderSize]))));
        }
        return (HeaderSize, 0);
    }

    protected override int Accept(ReadOnlySpan<byte> header, Span<byte> payload, int length)
    {
        const byte ReplyV4 = 0, ReplyV6 = 129, HeaderWithoutOptions = 0x45;
        if (length < 2) return -1;
        if (_isRaw && IsV4 && header[0] != HeaderWithoutOptions) return -1;
        ReadOnlySpan<byte> icmp = header[^HeaderSize..];
        if (icmp[0] != (IsV4 ? ReplyV4 : ReplyV6) || icmp[1] != 0) return -1;
        return !_isRaw || BinaryPrimitives.ReadUInt16BigEndian(icmp[4..]) == _identifier ? length : -1;
    }

    protected override bool IsOurs(ReadOnlySpan<byte> sent) =>
        !_isRaw || (sent.Length >= HeaderSize && BinaryPrimitives.ReadUInt16BigEndian(sent[4..]) == _identifier);

    /// <summary>Echo has no ports on the wire; the caller's own is put back.</summary>
    protected override IPEndPoint Known(IPEndPoint remote) => remote.Port == _port ? remote : new IPEndPoint(remote.Address, _port);

    protected override IPEndPoint Outgoing(IPEndPoint remote)
    {
        _port = remote.Port;
        return new IPEndPoint(remote.Address, 0);
    }
}
