using System.Net;

namespace Ginnel;

/// <summary>
/// The same for datagrams: each source that the listener offers gets one port on the other side, through which it reaches all its targets
/// (RFC 4787). Each new target is judged once; errors go back to the source as the network would have told them.
/// </summary>
public sealed class DatagramRelay
{
    private readonly IPortListener _listener;
    private readonly IDialer _dialer;
    private readonly RelayOptions _options;
    private readonly FlowSet _flows;
    private readonly int _maxFlows;
    private long _limited;
    private long _strangers;
    private long _displaced;

    /// <summary>A relay; the listener stays the caller's.</summary>
    public DatagramRelay(IPortListener listener, IDialer dialer, RelayOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(listener);
        ArgumentNullException.ThrowIfNull(dialer);
        _listener = listener;
        _dialer = dialer;
        _options = options ?? new RelayOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.MaxFlows, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.MaxTargetsPerPort, 1, nameof(options));
        // A listener that is full says nothing of newcomers: there must be room in it for them, and for those that are being closed for them.
        _maxFlows = Math.Min(_options.MaxFlows, Math.Max(1, listener.MaxPorts - (listener.MaxPorts / 8)));
        TimeProvider time = _options.Time ?? TimeProvider.System;
        Flows = _options.Flows ?? new FlowRegistry(time);
        _flows = new FlowSet(Flows, time, _options.PortIdleTimeout);
    }

    /// <summary>Where its live ports are listed.</summary>
    public FlowRegistry Flows { get; }

    /// <summary>Sources that were rejected because of a limit of this relay.</summary>
    public long LimitedCount => Volatile.Read(ref _limited);

    /// <summary>Ports that were closed to make room for newer ones at <see cref="RelayOptions.MaxFlows"/>.</summary>
    public long DisplacedCount => Volatile.Read(ref _displaced);

    /// <summary>Datagrams that were dropped because their sender had not been sent to.</summary>
    public long StrangerCount => Volatile.Read(ref _strangers);

    /// <summary>
    /// Relays until the listener is closed, then until the last port was idle; or until the token is cancelled, which closes all ports.
    /// </summary>
    public Task RunAsync(CancellationToken cancellationToken = default) =>
        _flows.RunAsync(stop => _listener.AcceptPortAsync(stop), Admit, cancellationToken);

    /// <summary>Ports, those included that are being closed.</summary>
    internal int PortCount => _flows.Count;

    private void Admit(IPendingPort pending, CancellationToken stop)
    {
        if (_flows.Count >= _maxFlows && !MakeRoomFor(pending.Flow))
        {
            Interlocked.Increment(ref _limited);
            pending.Reject(new DialFailure(DialFailureKind.Limit, "the relay's ports"));
            return;
        }
        _ = RunAsync(_flows.Begin(pending.Flow), pending, stop);
    }

    internal void CountStranger() => Interlocked.Increment(ref _strangers);

    // A port says no goodbye: most that stand there have long had their answer, and a new one must not wait until they are idle for long. Some
    // may be on their way out and not gone yet.
    private bool MakeRoomFor(FlowInfo newcomer)
    {
        if (_flows.Count >= _maxFlows + Math.Max(1, _maxFlows / 16)) return false;
        if (!_flows.EndIdlest(newcomer, _options.PortAssurance, "made room for a newer port")) return false;
        Interlocked.Increment(ref _displaced);
        return true;
    }

    private async Task RunAsync(Flow flow, IPendingPort pending, CancellationToken stop)
    {
        // The accept loop goes on at once; a dialer that works before its first await must not hold it up.
        await _options.Scheduler.YieldAsync();
        FlowEnd end;
        try
        {
            end = await ServeAsync(flow, pending, stop).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            pending.Reject(new DialFailure(DialFailureKind.HostUnreachable));
            end = FlowSet.EndOf(exception);
        }
        _flows.End(flow, end);
    }

    private async Task<FlowEnd> ServeAsync(Flow flow, IPendingPort pending, CancellationToken stop)
    {
        (flow.Target, DialFailure failure) = await AddressAsync(_options.Target?.Invoke(flow.Info), stop).ConfigureAwait(false);
        if (failure.Kind != DialFailureKind.None)
        {
            pending.Reject(failure);
            return new FlowEnd(FlowEndKind.DialFailed, failure);
        }
        BindResult bound = await _dialer.BindAsync(flow.Info, stop).ConfigureAwait(false);
        if (!bound.IsBound)
        {
            pending.Reject(bound.Failure);
            return new FlowEnd(FlowEndKind.DialFailed, bound.Failure);
        }
        await using (bound.Port.ConfigureAwait(false))
        {
            IDatagramPort source;
            try
            {
                source = await pending.AcceptAsync(stop).ConfigureAwait(false);
            }
            catch (Exception exception) when (StreamPump.IsBroken(exception))
            {
                return new FlowEnd(FlowEndKind.Abandoned);
            }
            await using (source.ConfigureAwait(false))
            {
                Flows.Start(flow);
                return await new RelayedPort(flow, source, bound.Port, _options, this).RunAsync().ConfigureAwait(false);
            }
        }
    }

    private async ValueTask<(EndPoint? Address, DialFailure Failure)> AddressAsync(EndPoint? target, CancellationToken cancellationToken)
    {
        if (target is null or IPEndPoint) return (target, default);
        if (target is not DnsEndPoint name || _options.Resolver is not { } resolver)
            return (target, new DialFailure(DialFailureKind.Unsupported, $"datagrams go to addresses, not to {target}"));
        NameResult result = await resolver.ResolveAsync(name.Host, cancellationToken).ConfigureAwait(false);
        return result.Addresses is [var first, ..] ? (new IPEndPoint(first, name.Port), default) : (target, result.Failure);
    }
}
