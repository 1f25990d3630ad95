using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel;

/// <content>
/// Packets out. The stack is asked only for what the link takes: one batch is built under the lock, given to the link outside it, and only
/// when the link took all is the next one asked for. One thread sends at a time; whoever clears the flag looks once more first.
/// </content>
internal sealed partial class Shard
{
    // Packets per batch: enough to fill a system call, few enough that a full link leaves little waiting outside the connections.
    private const int BatchPackets = 32;
    // Rounds that one thread sends for others before it hands over, so that a caller's write is not captured by everyone's traffic.
    private const int RoundsPerTurn = 64;
    private ShardPort[] _ports = [];

    private void CollectSenders(ref ShardWork work, Instant now)
    {
        foreach (ShardPort port in _ports)
        {
            if (port.Sending || port.Blocked || !port.IsUp || !_stack.HasOutput(port.Interface)) continue;
            _stack.Transmit(port.Interface, ref port.Egress, BatchPackets, now);
            if (port.Egress.IsEmpty) continue;
            port.Sending = true;
            port.Signalled = false;
            port.NextSender = work.FirstSender;
            work.FirstSender = port;
        }
    }

    /// <summary>Sends for a port whose flag this thread has set, until the link or the stack has no more.</summary>
    internal void Send(ShardPort port)
    {
        for (int round = 0; round < RoundsPerTurn; round++)
        {
            port.SendToLink();
            ShardWork work = default;
            bool more;
            lock (_lock) more = NextBatch(port, ref work);
            Finish(ref work);
            if (!more) return;
        }
        Runtime.Completions.Schedule(port);
    }

    private bool NextBatch(ShardPort port, ref ShardWork work)
    {
        if (!port.IsUp || _ended is not null)
        {
            port.Egress.ReturnAll();
            return port.Sending = false;
        }
        if (!port.Egress.IsEmpty)
        {
            // The link left some. If it called Writable since the batch was given, it has room again already.
            port.Blocked = !port.Signalled;
            port.Signalled = false;
            return port.Sending = !port.Blocked;
        }
        try
        {
            Instant now = Runtime.Now;
            _stack.Transmit(port.Interface, ref port.Egress, BatchPackets, now);
            Settle(ref work, now);
        }
        catch (Exception exception)
        {
            Poison(exception, ref work);
        }
        port.Signalled = false;
        return port.Sending = !port.Egress.IsEmpty;
    }

    /// <summary>The link has room again.</summary>
    internal void Writable(ShardPort port)
    {
        ShardWork work = default;
        lock (_lock)
        {
            if (_ended is not null || !port.IsUp) return;
            port.Signalled = true;
            if (!port.Blocked) return;
            port.Blocked = false;
            port.Signalled = false;
            port.Sending = true;
            work.FirstSender = port;
        }
        Finish(ref work);
    }

    /// <summary>A batch from the link.</summary>
    internal void Receive(ShardPort port, ref PacketQueue batch)
    {
        ShardWork work = default;
        lock (_lock)
        {
            if (_ended is not null || !port.IsUp)
            {
                batch.ReturnAll();
                return;
            }
            try
            {
                Instant now = Runtime.Now;
                _stack.Receive(port.Interface, ref batch, now);
                Settle(ref work, now);
            }
            catch (Exception exception)
            {
                Poison(exception, ref work);
            }
        }
        Finish(ref work);
    }

    /// <summary>Joins a link to an interface; false if it has one already.</summary>
    internal bool Open(ShardPort port)
    {
        ShardPort state = port;
        bool opened = false;
        Run(ref state, (NetworkStack stack, ref ShardPort added, Instant now, ref ShardWork _) =>
        {
            foreach (ShardPort other in _ports)
                if (other.Interface == added.Interface) return OpStatus.InvalidState;
            _ports = [.. _ports, added];
            added.IsUp = true;
            stack.SetLink(added.Interface, added.Link.Properties, up: true, now);
            opened = true;
            return OpStatus.Ok;
        });
        return opened;
    }

    /// <summary>Parts a link from its interface, which stays: connections wait for the next link.</summary>
    internal void Close(ShardPort port)
    {
        ShardPort state = port;
        Run(ref state, (NetworkStack stack, ref ShardPort closed, Instant now, ref ShardWork _) =>
        {
            if (Array.IndexOf(_ports, closed) < 0) return OpStatus.InvalidState;
            _ports = Array.FindAll(_ports, other => other != port);
            closed.Close();
            stack.SetLink(closed.Interface, closed.Link.Properties, up: false, now);
            return OpStatus.Ok;
        });
    }

    /// <summary>The link says what it is now.</summary>
    internal void Changed(ShardPort port, LinkProperties properties, bool up)
    {
        (ShardPort Port, LinkProperties Properties, bool Up) state = (port, properties, up);
        Run(ref state, (NetworkStack stack, ref (ShardPort Port, LinkProperties Properties, bool Up) change, Instant now, ref ShardWork _) =>
        {
            if (Array.IndexOf(_ports, change.Port) < 0) return OpStatus.InvalidState;
            change.Port.IsUp = change.Up;
            change.Port.Blocked = false;
            stack.SetLink(change.Port.Interface, change.Properties, change.Up, now);
            return OpStatus.Ok;
        });
    }
}
