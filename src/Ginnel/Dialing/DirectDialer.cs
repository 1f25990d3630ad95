using System.Net;
using System.Net.Sockets;

namespace Ginnel;

/// <summary>Dials by the host's ordinary sockets.</summary>
public sealed class DirectDialer : IDialer
{
    private readonly DirectDialerOptions _options;
    private readonly IHostStreamSockets _streams;
    private readonly IHostDatagramSockets _datagrams;
    private readonly INameResolver _resolver;
    private readonly TimeProvider _time;

    /// <summary>A dialer; without options it refuses the host's loopback.</summary>
    public DirectDialer(DirectDialerOptions? options = null)
    {
        _options = options ?? new DirectDialerOptions();
        _streams = _options.StreamSockets ?? PortableStreamSockets.Shared;
        _datagrams = _options.DatagramSockets ?? PortableDatagramSockets.Shared;
        _resolver = _options.Resolver ?? SystemNameResolver.Shared;
        _time = _options.Time ?? TimeProvider.System;
    }

    /// <inheritdoc/>
    public async ValueTask<DialResult> DialAsync(EndPoint target, FlowInfo flow, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        cancellationToken.ThrowIfCancellationRequested();
        switch (target)
        {
            case IPEndPoint endPoint:
                return await DialAddressAsync(endPoint, cancellationToken).ConfigureAwait(false);
            case DnsEndPoint name:
                NameResult resolved = await _resolver.ResolveAsync(name.Host, cancellationToken).ConfigureAwait(false);
                if (resolved.Failure.Kind != DialFailureKind.None) return DialResult.Failed(resolved.Failure);
                IReadOnlyList<IPAddress> addresses = name.AddressFamily == AddressFamily.Unspecified
                    ? resolved.Addresses : [.. resolved.Addresses.Where(address => address.AddressFamily == name.AddressFamily)];
                return await HappyEyeballs.DialAsync(addresses, name.Port, DialAddressAsync, _time, cancellationToken).ConfigureAwait(false);
            default:
                return DialResult.Failed(DialFailureKind.Unsupported, $"{target.GetType().Name} is neither an IP endpoint nor a name");
        }
    }

    /// <inheritdoc/>
    public ValueTask<BindResult> BindAsync(FlowInfo flow, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(flow);
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<BindResult>(cancellationToken);
        if (flow.Protocol == FlowProtocol.Tcp) return new(BindResult.Failed(DialFailureKind.Unsupported, "TCP is dialled, not bound"));
        // A port that is for no one destination (a SOCKS association) must reach both families, whatever its source is of.
        IPEndPoint? like = flow.Destination is null && flow.Protocol == FlowProtocol.Udp ? null : flow.Destination as IPEndPoint ?? flow.Source;
        AddressFamily family = like?.AddressFamily ?? AddressFamily.InterNetworkV6;
        BindResult bound = flow.Protocol == FlowProtocol.IcmpEcho
            ? _datagrams.BindEcho(family)
            : _datagrams.BindUdp(new IPEndPoint(family == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0));
        return new(bound.IsBound ? BindResult.Bound(new DirectDatagramPort(bound.Port, this)) : bound);
    }

    private async ValueTask<DialResult> DialAddressAsync(IPEndPoint asked, CancellationToken cancellationToken)
    {
        DialFailure refusal = Judge(asked, out IPEndPoint target);
        if (refusal.Kind != DialFailureKind.None) return DialResult.Failed(refusal);
        if (_options.ConnectTimeout == Timeout.InfiniteTimeSpan) return await _streams.ConnectAsync(target, cancellationToken).ConfigureAwait(false);
        using CancellationTokenSource timeout = new(_options.ConnectTimeout, _time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            return await _streams.ConnectAsync(target, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return DialResult.Failed(DialFailureKind.TimedOut, $"no answer within {_options.ConnectTimeout.TotalSeconds:0.#} s");
        }
    }

    /// <summary>Judges the address that would be dialled, which is the asked one unless it is redirected.</summary>
    internal DialFailure Judge(IPEndPoint asked, out IPEndPoint target)
    {
        if (_options.Redirect?.Invoke(asked) is { } redirected)
        {
            target = redirected;
            return default;
        }
        target = asked.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(asked.Address.MapToIPv4(), asked.Port) : asked;
        return !_options.AllowHostLoopback && HostLoopback.Contains(target.Address)
            ? new DialFailure(DialFailureKind.Denied, _options.LoopbackRemedy)
            : default;
    }
}
