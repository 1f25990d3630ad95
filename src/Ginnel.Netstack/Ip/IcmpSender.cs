using System.Buffers.Binary;
using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// ICMP on its way out. Errors are limited in rate (RFC 1812 section 4.3.2.8, RFC 4443 section 2.4 f) and never sent about errors,
/// about what went to more than one host, about later fragments, or to a source that is no single host (RFC 1122 section 3.2.2,
/// RFC 4443 section 2.4 e).
/// </summary>
internal sealed class IcmpSender(StackContext context, Router router, IpOutput output)
{
    private TokenBucket _errors = new(context.Options.IcmpErrorsPerSecond, context.Entropy);

    /// <summary>Tells the sender of a packet that it could not be delivered. Failures without an ICMP name are silent.</summary>
    internal void SendError(in ReceivedPacket about, NetworkFailure failure, Instant now, int mtu = 0)
    {
        if (!MayAnswer(about) || !IcmpCodes.TryGet(failure, about.Source.IsV4, mtu, out IcmpCodes.Error error)) return;
        SendError(about.Interface, ErrorSource(about.Interface, about.Destination, about.IsForOwnAddress, failure), about.Source, error,
            about.IpBytes, now);
    }

    /// <summary>IPv6: complains of an octet of a packet (RFC 4443 section 3.4).</summary>
    internal void SendParameterProblem(in ReceivedPacket about, IpV6ProblemCode code, int pointer, Instant now)
    {
        if (!IsSingleHost(about.Source) || IsQuotedError(about.Protocol, about.Transport, about.Source.IsV4)) return;
        IpAddress source = ErrorSource(about.Interface, about.Destination, about.IsForOwnAddress, NetworkFailure.None);
        IcmpCodes.Error error = new((byte)IcmpV6Type.ParameterProblem, (byte)code, (uint)pointer);
        SendError(about.Interface, source, about.Source, error, about.IpBytes, now);
    }

    /// <summary>IPv4: complains of an octet of the header (RFC 792, RFC 1122 section 3.2.2.5).</summary>
    internal void SendParameterProblem(in ReceivedPacket about, byte pointer, Instant now)
    {
        if (!MayAnswer(about)) return;
        IpAddress source = ErrorSource(about.Interface, about.Destination, about.IsForOwnAddress, NetworkFailure.None);
        SendError(about.Interface, source, about.Source, new((byte)IcmpType.ParameterProblem, 0, (uint)pointer << 24), about.IpBytes, now);
    }

    /// <summary>
    /// Tells that a packet would have had to be forwarded once more than it may (RFC 1812 section 5.3.1, RFC 8200 section 3).
    /// </summary>
    internal void SendHopLimitExceeded(in ReceivedPacket about, Instant now)
    {
        if (!MayAnswer(about)) return;
        byte type = about.Source.IsV4 ? (byte)IcmpType.TimeExceeded : (byte)IcmpV6Type.TimeExceeded;
        IpAddress source = ErrorSource(about.Interface, about.Destination, isOwn: false, NetworkFailure.HostUnreachable);
        SendError(about.Interface, source, about.Source, new IcmpCodes.Error(type, (byte)TimeExceededCode.HopLimit, 0), about.IpBytes, now);
    }

    /// <summary>Tells that fragments were missing, quoting the first one (RFC 792, RFC 4443 section 3.3).</summary>
    internal void SendReassemblyTimeout(NetworkInterface via, IpAddress from, IpAddress to, ReadOnlySpan<byte> firstFragment, bool isOwn,
        Instant now)
    {
        if (!IsSingleHost(from) || Router.IsGroup(via, to)) return;
        byte type = from.IsV4 ? (byte)IcmpType.TimeExceeded : (byte)IcmpV6Type.TimeExceeded;
        IcmpCodes.Error error = new(type, (byte)TimeExceededCode.Reassembly, 0);
        SendError(via, ErrorSource(via, to, isOwn, NetworkFailure.None), from, error, firstFragment, now);
    }

    /// <summary>Rebuilds the head of a packet that the flow's remote end sent, and answers it as the network would have.</summary>
    internal void SendUnreachable(NetworkInterface via, in FlowKey flow, ReadOnlySpan<byte> transportStart, NetworkFailure failure, int mtu,
        Instant now)
    {
        IpAddress guest = flow.Remote.Address, target = flow.Local.Address;
        if (!IcmpCodes.TryGet(failure, guest.IsV4, mtu, out IcmpCodes.Error error) || !IsSingleHost(guest)) return;
        Span<byte> quote = stackalloc byte[IpV6Header.Size + 64];
        transportStart = transportStart[..Math.Min(transportStart.Length, 64)];
        int length = transportStart.Length;
        if (flow.Protocol == IpProtocol.Udp && length >= UdpHeader.Size)
            length = Math.Max(length, BinaryPrimitives.ReadUInt16BigEndian(transportStart[4..]));
        // What was too big must look it, or a careful sender takes the error for a forgery (as IcmpInput does).
        if (failure == NetworkFailure.PacketTooBig)
            length = Math.Max(length, Math.Min(mtu, IpV4Header.MaximumTotalLength - IpV4Header.MinimumSize));
        int header = WriteQuotedHeader(quote, guest, target, flow.Protocol, length);
        transportStart.CopyTo(quote[header..]);
        SendError(via, ErrorSource(via, target, isOwn: false, failure), guest, error, quote[..(header + transportStart.Length)], now);
    }

    /// <summary>Sends an echo reply with the data of a request.</summary>
    internal DropReason SendEchoReply(in ReceivedPacket request, ushort identifier, ushort sequence, ReadOnlySpan<byte> data, Instant now)
    {
        int length = IcmpMessage.HeaderSize + data.Length;
        if (!context.Pool.TryRent(PacketPool.SizeFor(length + Packet.Headroom), out Packet packet)) return DropReason.OutOfBuffers;
        WriteEcho(packet.Append(length), request.Source.IsV4, isRequest: false, identifier, sequence, data);
        RouteDecision route = router.RouteVia(request.Interface, request.Destination, request.Source, now);
        IpProtocol protocol = request.Source.IsV4 ? IpProtocol.Icmp : IpProtocol.IcmpV6;
        output.Send(packet, route, new IpSend(request.Destination, request.Source, protocol, DontFragment: false), now);
        return DropReason.None;
    }

    /// <summary>Writes an echo message, checksum left to <see cref="IpOutput"/>.</summary>
    internal static void WriteEcho(Span<byte> message, bool v4, bool isRequest, ushort identifier, ushort sequence, ReadOnlySpan<byte> data)
    {
        message[0] = v4
            ? (byte)(isRequest ? IcmpType.EchoRequest : IcmpType.EchoReply)
            : (byte)(isRequest ? IcmpV6Type.EchoRequest : IcmpV6Type.EchoReply);
        message[1] = message[2] = message[3] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(message[4..], identifier);
        BinaryPrimitives.WriteUInt16BigEndian(message[6..], sequence);
        data.CopyTo(message[IcmpMessage.HeaderSize..]);
    }

    private void SendError(NetworkInterface via, IpAddress source, IpAddress destination, IcmpCodes.Error error, ReadOnlySpan<byte> quoted,
        Instant now)
    {
        if (!_errors.TryTake(now)) { context.Drop(DropReason.RateLimited); return; }
        bool v4 = destination.IsV4;
        int length = Math.Min(quoted.Length, v4 ? IcmpMessage.QuoteLimit : IcmpV6Message.QuoteLimit);
        if (!context.Pool.TryRent(PacketSize.Small, out Packet packet)) { context.Drop(DropReason.OutOfBuffers); return; }
        Span<byte> message = packet.Append(IcmpMessage.HeaderSize + length);
        message[0] = error.Type;
        message[1] = error.Code;
        message[2] = message[3] = 0;
        BinaryPrimitives.WriteUInt32BigEndian(message[4..], error.Rest);
        quoted[..length].CopyTo(message[IcmpMessage.HeaderSize..]);
        RouteDecision route = router.RouteVia(via, source, destination, now);
        output.Send(packet, route, new IpSend(source, destination, v4 ? IpProtocol.Icmp : IpProtocol.IcmpV6, DontFragment: false), now);
    }

    /// <summary>
    /// Who complains: a host of its own ports, as a router we bear the interface's address, and where there is none the address that was
    /// called answers, so that an error is never lost for want of a sender.
    /// </summary>
    private static IpAddress ErrorSource(NetworkInterface via, IpAddress called, bool isOwn, NetworkFailure failure) =>
        isOwn || failure == NetworkFailure.Refused || !via.TryGetAddress(called.IsV4, out IpAddress own) ? Callable(via, called) : own;

    private static IpAddress Callable(NetworkInterface via, IpAddress called) =>
        Router.IsGroup(via, called) && via.TryGetAddress(called.IsV4, out IpAddress own) ? own : called;

    private static bool MayAnswer(in ReceivedPacket about) =>
        !about.IsBroadcast && IsSingleHost(about.Source) && !IsQuotedError(about.Protocol, about.Transport, about.Source.IsV4);

    private static bool IsSingleHost(IpAddress source) => !source.IsUnspecified && !source.IsMulticast && !source.IsLimitedBroadcast;

    private static bool IsQuotedError(IpProtocol protocol, ReadOnlySpan<byte> transport, bool v4)
    {
        if (protocol != (v4 ? IpProtocol.Icmp : IpProtocol.IcmpV6)) return false;
        // What cannot be read may have been an error; a redirect counts as one (RFC 4443 section 2.4 e.2).
        if (transport.IsEmpty) return true;
        return v4 ? IcmpView.TryParse(transport, out IcmpView view) != DropReason.None || view.IsError : transport[0] < 128 || transport[0] == (byte)IcmpV6Type.Redirect;
    }

    private int WriteQuotedHeader(Span<byte> destination, IpAddress source, IpAddress target, IpProtocol protocol, int length)
    {
        // The guest's packet has gone; hop limit and length are what they will have been.
        if (!source.IsV4)
        {
            return new IpV6Header
            {
                PayloadLength = (ushort)length, HopLimit = context.Options.HopLimit, NextHeader = protocol, Source = source,
                Destination = target,
            }.Write(destination);
        }
        return new IpV4Header
        {
            TotalLength = (ushort)(IpV4Header.MinimumSize + length), HopLimit = context.Options.HopLimit, DontFragment = true,
            Protocol = protocol, Source = source, Destination = target,
        }.Write(destination);
    }
}
