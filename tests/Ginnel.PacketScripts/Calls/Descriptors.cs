using Ginnel.Netstack;

namespace Ginnel.PacketScripts.Calls;

/// <summary>What a number of the script's stands for.</summary>
internal abstract class Descriptor
{
    internal bool IsNonBlocking { get; set; }

    /// <summary>What has happened since an edge-triggered watcher last heard of it.</summary>
    internal long Edges { get; set; }
}

/// <summary>A socket.</summary>
internal abstract class ScriptSocket : Descriptor
{
    internal SocketId Id { get; set; }
    internal ushort? BoundPort { get; set; }

    /// <summary>Options whose values a script may ask for again.</summary>
    internal Dictionary<string, long> Options { get; } = [];

    /// <summary>IP_TOS or IPV6_TCLASS, once it was set.</summary>
    internal byte? TrafficClass => Options.TryGetValue("IP_TOS", out long octet) || Options.TryGetValue("IPV6_TCLASS", out octet) ? (byte)octet : null;

    /// <summary>Whether its failure was told; it is told once.</summary>
    internal bool HasReported { get; set; }
}

/// <summary>A TCP socket.</summary>
internal sealed class StreamSocket : ScriptSocket
{
    internal bool IsListener { get; set; }
    internal bool HasConnected { get; set; }
    internal bool IsReadShut { get; set; }
    internal bool AbortsOnClose { get; set; }
    internal bool TellsReadable { get; set; }
    internal bool? Nagle { get; set; }
    internal int? KeepAliveSeconds { get; set; }
    internal int? MaximumSegmentSize { get; set; }

    /// <summary>Connections that were taken from the listener to see whether there are any.</summary>
    internal Queue<SocketId> Taken { get; } = [];
}

/// <summary>A UDP socket, or one for ICMP echoes.</summary>
internal sealed class DatagramSocket(bool isEcho) : ScriptSocket
{
    internal bool IsEcho => isEcho;
    internal bool DontFragment { get; set; }
    internal ushort? ConnectedPort { get; set; }
    internal bool IsConnected { get; set; }

    /// <summary>Lengths of datagrams that have arrived.</summary>
    internal Queue<int> Inbox { get; } = [];

    /// <summary>An error about a datagram that was sent, not told yet.</summary>
    internal string? Error { get; set; }
}

/// <summary>An epoll instance.</summary>
internal sealed class EpollInstance : Descriptor
{
    internal Dictionary<int, EpollWatch> Watches { get; } = [];
}

/// <summary>One descriptor that is watched, in the order in which they were added.</summary>
internal sealed class EpollWatch(Descriptor target, long events, long data)
{
    internal Descriptor Target => target;
    internal long Events { get; set; } = events;
    internal long Data { get; set; } = data;
    internal bool IsDisarmed { get; set; }
}

/// <summary>Descriptors by number. A script calls them what it likes: the number that a call is expected to return is taken if it is free.</summary>
internal sealed class DescriptorTable
{
    private readonly SortedDictionary<int, Descriptor> _all = [];

    internal IEnumerable<ScriptSocket> Sockets => _all.Values.OfType<ScriptSocket>();

    internal CallResult Add(PendingCall pending, Descriptor descriptor)
    {
        int number = pending.Call.Result.Number is > 2 and < 1 << 20 and var wanted && !_all.ContainsKey((int)wanted) ? (int)wanted : 3;
        while (_all.ContainsKey(number)) number++;
        _all.Add(number, descriptor);
        return new CallResult(number);
    }

    internal Descriptor? Find(long number) => _all.GetValueOrDefault((int)number);

    internal void Remove(long number) => _all.Remove((int)number);
}
