using System.Net;
using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel;

/// <summary>A host at one moment: for status pages, control and tests.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Connections">Live TCP connections that this process holds, as <c>ss -ti</c> would show them.</param>
/// <param name="Sockets">Sockets of all kinds, those in TIME-WAIT included.</param>
/// <param name="BufferBytes">Bytes that buffers hold.</param>
/// <param name="PacketsReceived">Packets from links; a super-segment counts once.</param>
/// <param name="BytesReceived">Bytes from links.</param>
/// <param name="PacketsSent">Packets to links.</param>
/// <param name="BytesSent">Bytes to links.</param>
/// <param name="Retransmissions">TCP segments sent again.</param>
/// <param name="Drops">Why packets were dropped and how many; reasons without a drop are left out.</param>
public sealed record HostSnapshot(
    string Name, IReadOnlyList<TcpInfo> Connections, int Sockets, long BufferBytes, long PacketsReceived, long BytesReceived,
    long PacketsSent, long BytesSent, long Retransmissions, IReadOnlyDictionary<string, long> Drops);

/// <content>Looking.</content>
public sealed partial class NetworkHost
{
    /// <summary>The host at this moment.</summary>
    public HostSnapshot Snapshot() => _shard.Snapshot(Name);

    /// <summary>Datagrams that have arrived, on any port or any-IP source, and were not received yet.</summary>
    public int DatagramsWaiting => _shard.Peek(0, static (stack, _) => stack.DatagramsWaiting);
}

/// <content>Looking.</content>
internal sealed partial class Shard
{
    internal HostSnapshot Snapshot(string name)
    {
        lock (_lock)
        {
            List<TcpInfo> connections = [];
            foreach (ShardSocket? socket in _sockets)
                if (socket is TcpSocket tcp && _stack.TryGetInfo(tcp.Id, out TcpInfo info)) connections.Add(info);
            Dictionary<string, long> drops = [];
            foreach (DropReason reason in Enum.GetValues<DropReason>())
                if (_stack.Counters.Drops(reason) is var count and > 0) drops[reason.ToString()] = count;
            StackCounters counters = _stack.Counters;
            return new HostSnapshot(name, connections, _stack.SocketCount, _stack.MemoryInUse, counters.PacketsReceived, counters.BytesReceived,
                counters.PacketsSent, counters.BytesSent, counters.Retransmissions, drops);
        }
    }
}
