using Ginnel.Netstack;
using Ginnel.PacketScripts.Running;
using Ginnel.PacketScripts.Syntax;

namespace Ginnel.PacketScripts.Calls;

/// <summary>poll and epoll.</summary>
internal sealed class ReadinessCalls(StackUnderTest subject, Profile profile, DescriptorTable table, StreamCalls streams, DatagramCalls datagrams)
{
    private const long In = 1;
    private const long Out = 4;
    private const long Error = 8;
    private const long HangUp = 16;
    private const long Invalid = 32;
    private const long ReadHangUp = 0x2000;
    private const long EdgeTriggered = 1L << 31;
    private const long OneShot = 1L << 30;
    private const long Modes = EdgeTriggered | OneShot | 1L << 28 | 1L << 29;
    private readonly List<EpollInstance> _instances = [];

    /// <summary>What is the case with a descriptor now.</summary>
    private long Level(Descriptor descriptor) => descriptor switch
    {
        StreamSocket { IsListener: true } listener => streams.HasWaiting(listener) ? In : 0,
        StreamSocket { Id: var id } when id == default => Out | HangUp,
        StreamSocket stream => Level(stream),
        DatagramSocket datagram => Out | (datagrams.HasDatagram(datagram) ? In : 0) | (datagram.Error is null ? 0 : Error),
        _ => 0,
    };

    private long Level(StreamSocket socket)
    {
        NetworkFailure failure = subject.Stack.FailureOf(socket.Id);
        if (failure != NetworkFailure.None) return In | Out | HangUp | ReadHangUp | (socket.HasReported ? 0 : Error);
        if (!streams.TryGetInfo(socket, out TcpInfo info)) return In | Out | HangUp | ReadHangUp;
        if (info.State is TcpState.SynSent or TcpState.SynReceived) return 0;
        long level = 0;
        bool peerClosed = socket.IsReadShut || info.State is TcpState.CloseWait or TcpState.Closing or TcpState.LastAck or TcpState.TimeWait or TcpState.Closed;
        bool weClosed = info.State is not (TcpState.Established or TcpState.CloseWait);
        if (info.ReceiveQueued > 0 || peerClosed) level |= In;
        if (peerClosed) level |= ReadHangUp;
        if (peerClosed && weClosed) level |= HangUp;
        // Linux wakes a writer when a third of the buffer is free.
        if (weClosed || info.SendQueued < profile.Tuning.SendBuffer / 3 * 2) level |= Out;
        return level;
    }

    internal CallResult Poll(PendingCall pending)
    {
        if (pending.Call[0] is not ListValue list) throw pending.Error($"{pending.Call[0]} is no list of descriptors");
        List<(Value Expected, long Seen)> seen = [];
        foreach (Value item in list.Items)
        {
            long number = item.Field("fd")?.Number ?? throw pending.Error($"{item} has no fd");
            long wanted = item.Field("events")?.Number ?? throw pending.Error($"{item} has no events that are known");
            long happened = table.Find(number) is { } descriptor ? Level(descriptor) & (wanted | Error | HangUp) : Invalid;
            seen.Add((item, happened));
        }
        int ready = seen.Count(each => each.Seen != 0);
        if (ready == 0 && MustWait(pending, pending.Number(2))) return CallResult.Blocked;
        foreach ((Value expected, long happened) in seen)
        {
            long wanted = expected.Field("revents") is { } value ? value.Number ?? throw pending.Error($"{value} is not known") : 0;
            if (happened != wanted) throw pending.Error($"revents of {expected} are 0x{happened:x}, not 0x{wanted:x}");
        }
        return new CallResult(ready);
    }

    // A timeout is in milliseconds; below zero it never passes.
    private bool MustWait(PendingCall pending, long timeout) =>
        timeout != 0 && (timeout < 0 || subject.Elapsed < pending.StartedAt + TimeSpan.FromMilliseconds(timeout));

    /// <summary>When a call that waits gives up, if it does.</summary>
    internal static TimeSpan? GivesUpAt(PendingCall pending)
    {
        int index = pending.Name switch { "poll" => 2, "epoll_wait" or "epoll_pwait" => 3, _ => -1 };
        return index >= 0 && pending.Call[index].Number is { } milliseconds and > 0 ? pending.StartedAt + TimeSpan.FromMilliseconds(milliseconds) : null;
    }

    internal CallResult Control(PendingCall pending)
    {
        EpollInstance instance = Instance(pending);
        long number = pending.Number(2);
        if (table.Find(number) is not { } target) return CallResult.Failed("EBADF");
        bool known = instance.Watches.TryGetValue((int)number, out EpollWatch? watch);
        long operation = pending.Number(1);
        if (operation == 2) return instance.Watches.Remove((int)number) ? CallResult.Ok : CallResult.Failed("ENOENT");
        Value settings = pending.Call[3];
        long events = settings.Field("events")?.Number ?? throw pending.Error($"{settings} has no events that are known");
        long data = Data(settings);
        if (operation == 1 && known) return CallResult.Failed("EEXIST");
        if (operation == 3 && !known) return CallResult.Failed("ENOENT");
        if (watch is null) instance.Watches[(int)number] = watch = new EpollWatch(target, events, data);
        (watch.Events, watch.Data, watch.IsDisarmed) = (events, data, false);
        // What is the case already counts as an edge.
        target.Edges = -1;
        return CallResult.Ok;
    }

    private EpollInstance Instance(PendingCall pending)
    {
        var instance = table.Find(pending.Number(0)) as EpollInstance ?? throw pending.Error($"{pending.Call[0]} is no epoll instance");
        if (!_instances.Contains(instance)) _instances.Add(instance);
        return instance;
    }

    private static long Data(Value settings) =>
        (settings.Field("fd") ?? settings.Field("ptr") ?? settings.Field("u32") ?? settings.Field("u64"))?.Number ?? 0;

    internal CallResult Wait(PendingCall pending)
    {
        EpollInstance instance = Instance(pending);
        List<Value> expected = pending.Call[1] is ListValue list ? [.. list.Items] : [pending.Call[1]];
        long most = pending.Number(2);
        List<(EpollWatch Watch, long Seen)> ready = [];
        foreach (EpollWatch watch in instance.Watches.Values)
        {
            long seen = Happened(watch);
            if (seen != 0 && ready.Count < most) ready.Add((watch, seen));
        }
        if (ready.Count == 0 && MustWait(pending, pending.Number(3))) return CallResult.Blocked;
        for (int i = 0; i < ready.Count; i++)
        {
            (EpollWatch watch, long seen) = ready[i];
            if (i < expected.Count) Compare(pending, expected[i], watch, seen);
            if ((watch.Events & EdgeTriggered) != 0) watch.Target.Edges = 0;
            if ((watch.Events & OneShot) != 0) watch.IsDisarmed = true;
        }
        return new CallResult(ready.Count);
    }

    private long Happened(EpollWatch watch)
    {
        if (watch.IsDisarmed) return 0;
        long level = Level(watch.Target) & ((watch.Events & ~Modes) | Error | HangUp);
        bool edge = (watch.Events & EdgeTriggered) == 0 || (watch.Target.Edges & level) != 0;
        return edge ? level : 0;
    }

    private static void Compare(PendingCall pending, Value expected, EpollWatch watch, long seen)
    {
        if (expected is EllipsisValue) return;
        long wanted = expected.Field("events")?.Number ?? throw pending.Error($"{expected} has no events that are known");
        if (seen != wanted) throw pending.Error($"events are 0x{seen:x}, not 0x{wanted:x}");
        if (Data(expected) != watch.Data) throw pending.Error($"the event is of {watch.Data}, not of {Data(expected)}");
    }

    /// <summary>A descriptor was closed: nobody watches it any more.</summary>
    internal void Forget(Descriptor descriptor)
    {
        foreach (EpollInstance instance in _instances)
        {
            foreach (int number in instance.Watches.Where(pair => pair.Value.Target == descriptor).Select(pair => pair.Key).ToList()) instance.Watches.Remove(number);
        }
    }
}
