using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel.Testing;

/// <content>The event loop.</content>
public sealed partial class SimulatedNetwork
{
    /// <summary>
    /// Does everything that is to be done at the present time, checks the invariants, then goes on to the next time at which something
    /// happens. False when nothing will ever happen again.
    /// </summary>
    /// <exception cref="SimulationException">An invariant is broken.</exception>
    public bool Step() => StepUntil(Instant.Never);

    /// <summary>Runs until the condition holds.</summary>
    /// <param name="condition">Asked after every step.</param>
    /// <param name="limit">Virtual time after which it fails.</param>
    /// <exception cref="SimulationException">An invariant is broken, nothing happens any more, or the limit has passed.</exception>
    public void RunUntil(Func<bool> condition, TimeSpan limit)
    {
        ArgumentNullException.ThrowIfNull(condition);
        Instant end = Time.Now + limit;
        while (true)
        {
            Settle();
            if (condition()) return;
            if (Time.Now > end) throw Failure($"not finished within {limit.TotalSeconds:0} s of virtual time: {Describe()}");
            if (!Step()) throw Failure($"stalled, nothing will ever happen again: {Describe()}");
        }
    }

    /// <summary>Runs for a span of virtual time.</summary>
    public void RunFor(TimeSpan span)
    {
        Instant end = Time.Now + span;
        while (StepUntil(end) && Time.Now < end) { }
        Time.AdvanceTo(end);
        Settle();
    }

    /// <summary>Runs until every application is done.</summary>
    public void RunToEnd(TimeSpan limit) => RunUntil(() => _hosts.TrueForAll(static host => host.IsDone()), limit);

    /// <summary>
    /// The end of a simulation: lets TIME-WAIT and packets on their way run out, then demands that every stack has given back its memory
    /// and its sockets and every packet is back in the pool. Release listeners and ports before.
    /// </summary>
    public void Finish(TimeSpan limit)
    {
        RunUntil(IsAtRest, limit);
        foreach (SimulatedHost host in _hosts)
        {
            if (host.Stack.MemoryInUse != 0) throw Failure($"{host.Name} has no sockets and still holds {host.Stack.MemoryInUse} bytes");
        }
        foreach (SimulatedLink link in _links) link.SetUp(false);
        foreach (SimulatedHost host in _hosts) Discard(host);
        if (Pool.Rented != _rentedBefore) throw Failure($"{Pool.Rented - _rentedBefore} packets were never returned to the pool");
    }

    private bool StepUntil(Instant limit)
    {
        Settle();
        Instant next = NextEvent();
        if (next == Instant.Never || next > limit) return false;
        Steps++;
        if (next > Time.Now) _stepsAtOneTime = 0;
        else if (++_stepsAtOneTime > MaxStepsAtOneTime) throw Failure($"spins: {MaxStepsAtOneTime} steps without time passing: {Describe()}");
        Time.AdvanceTo(next);
        Instant now = Time.Now;
        Deliver(now);
        foreach (SimulatedHost host in _hosts)
        {
            if (host.Stack.NextDeadline <= now) host.Stack.Advance(now);
        }
        return true;
    }

    // Until nobody has anything more to do at this instant.
    private void Settle()
    {
        Instant now = Time.Now;
        bool any = true;
        for (int rounds = 0; any; rounds++)
        {
            if (rounds > MaxStepsAtOneTime) throw Failure($"spins: the hosts never come to rest: {Describe()}");
            any = false;
            foreach (SimulatedHost host in _hosts)
            {
                any |= host.RunApplications(now);
                foreach (LinkEnd end in host.Ends) any |= end.Transmit(_random.Next(1, 32), _checks.OnSent, now);
            }
        }
        _checks.AfterStep(now);
    }

    private void Deliver(Instant now)
    {
        foreach (SimulatedLink link in _links)
        {
            foreach (LinkEnd end in link.Ends)
            {
                if (end.Outgoing.NextArrival > now) continue;
                PacketQueue batch = default;
                end.Outgoing.TakeArrived(now, ref batch);
                end.Peer.Host.Stack.Receive(end.Peer.Interface, ref batch, now);
                if (!batch.IsEmpty) throw Failure($"{end.Peer.Host.Name} left {batch.Count} packets in the batch it was given");
            }
        }
    }

    private Instant NextEvent()
    {
        Instant next = Time.NextTimer;
        foreach (SimulatedHost host in _hosts)
        {
            next = Instant.Min(next, Instant.Min(host.Stack.NextDeadline, host.NextApplicationDeadline()));
            foreach (LinkEnd end in host.Ends)
            {
                next = Instant.Min(next, end.Outgoing.NextArrival);
                if (end.Link.IsUp && host.Stack.HasOutput(end.Interface)) next = Instant.Min(next, end.Outgoing.NextRoom(Time.Now));
            }
        }
        return next;
    }

    private bool IsAtRest()
    {
        foreach (SimulatedHost host in _hosts)
        {
            if (host.Stack.SocketCount > 0) return false;
            foreach (LinkEnd end in host.Ends)
            {
                if (!end.Outgoing.IsEmpty) return false;
            }
        }
        return true;
    }

    private void Discard(SimulatedHost host)
    {
        foreach (LinkEnd end in host.Ends)
        {
            PacketQueue queue = default;
            host.Stack.Transmit(end.Interface, ref queue, int.MaxValue, Time.Now);
            queue.ReturnAll();
        }
    }

    private string Describe()
    {
        List<string> parts = [];
        foreach (SimulatedHost host in _hosts)
        {
            Instant next = host.Stack.NextDeadline;
            parts.Add($"{host.Name} has {host.Stack.SocketCount} sockets, "
                + (next == Instant.Never ? "no deadline" : $"a deadline in {(next - Time.Now).TotalSeconds:0.000000} s"));
            foreach (SimulatedApplication application in host.Applications)
            {
                if (!application.IsDone) parts.Add(application.ToString() ?? application.GetType().Name);
            }
        }
        return string.Join("; ", parts);
    }
}
