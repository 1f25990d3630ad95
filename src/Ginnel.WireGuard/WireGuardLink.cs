using System.Net;
using Ginnel.Netstack;
using Ginnel.Wire;
using Ginnel.WireGuard.Protocol;

namespace Ginnel.WireGuard;

/// <summary>
/// WireGuard as a link that carries IP: attach it to an interface of a <see cref="NetworkHost"/> whose addresses the peers allow. It takes
/// super-segments and cuts them while encrypting; what arrives together is joined before the stack sees it.
/// </summary>
/// <remarks>
/// Control (handshakes, timers, peers) runs under one lock and costs microseconds now and then; sealing and opening run outside it, on the
/// thread that sends and on the carrier's.
/// </remarks>
public sealed partial class WireGuardLink : ILink, ICarrierSink
{
    // Instants begin late enough that every time-out lies in the past at first.
    private static readonly Instant Origin = new(TimeSpan.TicksPerDay);
    private readonly WireGuardDevice _device;
    private readonly IDatagramCarrier _carrier;
    private readonly TimeProvider _time;
    private readonly long _startTimestamp;
    private readonly Lock _control = new();
    private readonly ITimer _timer;
    private readonly EndpointNames _names;
    private Instant _timerDeadline = Instant.Never;
    private volatile ILinkSink? _sink;
    private int _disposed;

    /// <summary>A link with our private key (32 bytes; copied) over a carrier, which it owns from here on.</summary>
    /// <exception cref="ArgumentException">A key, an address or the MTU is not possible, or a peer stands there twice.</exception>
    public WireGuardLink(ReadOnlySpan<byte> privateKey, IDatagramCarrier carrier, WireGuardOptions options)
    {
        ArgumentNullException.ThrowIfNull(carrier);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNotEqual(privateKey.Length, Messages.KeySize, nameof(privateKey));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Mtu, 576, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Mtu, 65_535 - Messages.TransportOverhead, nameof(options));
        _carrier = carrier;
        _time = options.Time ?? TimeProvider.System;
        _startTimestamp = _time.GetTimestamp();
        _device = new WireGuardDevice(privateKey, options.Entropy ?? new CryptographicEntropy());
        _sendBuffer = new SealedBatch(carrier.MaxSegments);
        Properties = new LinkProperties(LinkMedium.Ip, options.Mtu, LinkOffloads.All);
        _names = new EndpointNames(options.Resolver ?? new SystemNameResolver(), _time, SetResolved);
        _timer = _time.CreateTimer(static link => ((WireGuardLink)link!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        foreach (WireGuardPeerOptions peer in options.Peers) AddPeer(peer);
    }

    /// <inheritdoc/>
    public LinkProperties Properties { get; }

    /// <summary>Our public key.</summary>
    public byte[] PublicKey => _device.PublicKey.ToArray();

    /// <summary>Where our carrier can be reached.</summary>
    public EndPoint? LocalEndPoint => _carrier.LocalEndPoint;

    /// <summary>Messages and packets that came to nothing, by cause.</summary>
    public WireGuardCounters Counters => WireGuardCounters.From(_device.Counters);

    internal WireGuardDevice Device => _device;

    private Instant Now => Origin + _time.GetElapsedTime(_startTimestamp);

    /// <inheritdoc/>
    public async Task RunAsync(ILinkSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(sink);
        if (Interlocked.CompareExchange(ref _sink, sink, null) is not null) throw new InvalidOperationException("The WireGuard link runs already.");
        try
        {
            await _carrier.RunAsync(this, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _sink = null;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        await _timer.DisposeAsync().ConfigureAwait(false);
        _names.Dispose();
        await _carrier.DisposeAsync().ConfigureAwait(false);
        lock (_control) _device.Dispose();
        DropUnsent();
    }

    private void OnTimer()
    {
        Outbox outbox = new();
        lock (_control)
        {
            if (_disposed != 0) return;
            _timerDeadline = Instant.Never;
            _device.Advance(_time.GetUtcNow(), Now, outbox);
        }
        Carry(outbox);
    }

    /// <summary>Does what the device wants done, and sees that it is called again in time. Not under the control lock.</summary>
    private void Carry(Outbox outbox)
    {
        if (!outbox.IsEmpty)
        {
            // What follows may come back to the same outbox.
            (CarrierEndpoint To, byte[] Message)[] messages = [.. outbox.Messages];
            Peer[] ready = [.. outbox.Ready], unanswered = [.. outbox.Unanswered];
            outbox.Clear();
            foreach ((CarrierEndpoint to, byte[] message) in messages) _carrier.TrySend(to, message, message.Length);
            foreach (Peer peer in ready) SendStaged(peer);
            foreach (Peer peer in unanswered) _names.Resolve(peer);
        }
        lock (_control)
        {
            Instant next = _device.NextDeadline;
            if (_disposed != 0 || next >= _timerDeadline) return;
            _timerDeadline = next;
            // Timers count whole milliseconds; rounding down would fire early, and again and again until the deadline.
            double wait = Math.Ceiling((next - Now).TotalMilliseconds);
            _timer.Change(TimeSpan.FromMilliseconds(Math.Max(0, wait)), Timeout.InfiniteTimeSpan);
        }
    }
}
