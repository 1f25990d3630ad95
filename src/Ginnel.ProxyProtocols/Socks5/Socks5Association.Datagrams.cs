using System.Buffers;
using System.Collections.Concurrent;
using System.Net;

namespace Ginnel.ProxyProtocols;

/// <content>Datagrams, with their headers taken off and put on (RFC 1928 section 7).</content>
internal sealed partial class Socks5Association
{
    private const int MaxDatagram = 65_535;
    private const int MaxUnresolved = 64;
    private readonly ConcurrentQueue<(IPEndPoint Target, byte[] Payload)> _resolved = new();
    private int _resolving;
    private volatile CancellationTokenSource? _wake;

    public async ValueTask<DatagramItem> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // The header needs room that the caller has not counted on, unless it asks for the longest datagram there is.
        byte[]? own = buffer.Length >= MaxDatagram ? null : ArrayPool<byte>.Shared.Rent(MaxDatagram);
        try
        {
            Memory<byte> whole = own ?? buffer;
            while (true)
            {
                if (_resolved.TryDequeue(out (IPEndPoint Target, byte[] Payload) waited)) return Yield(waited.Payload, buffer, waited.Target);
                DatagramItem item = IsResolving
                    ? await WakeablyAsync(whole, batch: null, isReceive: true, cancellationToken).ConfigureAwait(false)
                    : await _port.ReceiveAsync(whole, cancellationToken).ConfigureAwait(false);
                if (item.Remote is null || item.Failure.Kind != DialFailureKind.None) continue;
                int header = Judge(item.Remote, whole.Span[..item.Length], out IPEndPoint? target);
                if (target is not null) return Yield(whole.Span[header..item.Length], buffer, target);
            }
        }
        finally
        {
            if (own is not null) ArrayPool<byte>.Shared.Return(own);
        }
    }

    public async ValueTask ReceiveAsync(DatagramBatch batch, CancellationToken cancellationToken = default)
    {
        int before = batch.Count;
        while (!batch.IsFull && _resolved.TryDequeue(out (IPEndPoint Target, byte[] Payload) waited))
            batch.Add(Yield(waited.Payload, batch.Free, waited.Target));
        // Whatever else is there is still there next time; so each datagram of the port finds the room here that it had there.
        if (batch.Count > before) return;
        DatagramBatch framed = DatagramBatch.Rent();
        try
        {
            if (IsResolving) await WakeablyAsync(default, framed, isReceive: true, cancellationToken).ConfigureAwait(false);
            else await _port.ReceiveAsync(framed, cancellationToken).ConfigureAwait(false);
            for (int i = 0; i < framed.Count && !batch.IsFull; i++)
            {
                if (framed[i].Failure.Kind != DialFailureKind.None) continue;
                ReadOnlyMemory<byte> whole = framed.PayloadOf(i);
                int header = Judge(framed[i].Remote, whole.Span, out IPEndPoint? target);
                if (target is not null) batch.Add(Yield(whole.Span[header..], batch.Free, target));
            }
        }
        finally
        {
            framed.Return();
        }
    }

    public async ValueTask<bool> WaitAsync(CancellationToken cancellationToken = default)
    {
        if (!IsResolving) return await _port.WaitAsync(cancellationToken).ConfigureAwait(false);
        await WakeablyAsync(default, batch: null, isReceive: false, cancellationToken).ConfigureAwait(false);
        return Volatile.Read(ref _isClosed) == 0;
    }

    public async ValueTask<DialFailure> SendAsync(ReadOnlyMemory<byte> payload, IPEndPoint remote, CancellationToken cancellationToken = default)
    {
        // Nobody has spoken yet: there is no port to answer to.
        if (_speaker is not { } speaker) return default;
        byte[] whole = ArrayPool<byte>.Shared.Rent(Socks5Reply.MaxDatagramHeader + payload.Length);
        try
        {
            int header = Socks5Reply.WriteDatagramHeader(whole, remote);
            payload.CopyTo(whole.AsMemory(header));
            return await _port.SendAsync(whole.AsMemory(0, header + payload.Length), speaker, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(whole);
        }
    }

    public void ReportFailure(IPEndPoint remote, DialFailure failure)
    {
        // The protocol has no datagram for bad news: it drops what it cannot relay, in silence (section 7).
    }

    private static DatagramItem Yield(ReadOnlySpan<byte> payload, Memory<byte> buffer, IPEndPoint target)
    {
        int length = Math.Min(payload.Length, buffer.Length);
        payload[..length].CopyTo(buffer.Span);
        return new DatagramItem(length, target);
    }

    /// <summary>Where the datagram goes at once; null when it is dropped, or waits for its name.</summary>
    private int Judge(IPEndPoint from, ReadOnlySpan<byte> datagram, out IPEndPoint? target)
    {
        target = null;
        IPEndPoint plain = ProxyTargets.Plain(from)!;
        // Section 6: datagrams from any other address are dropped; a port, once it is known, stays.
        if (!plain.Address.Equals(Source.Address) || (_speaker is { } speaker && speaker.Port != plain.Port)) return Drop(ProxyIncident.DatagramStranger);
        Socks5Status status = Socks5Reader.ReadDatagram(datagram, out byte fragment, out EndPoint? asked, out int header);
        // Section 7: an implementation that does not do fragments must drop every datagram whose FRAG is not 0.
        if (fragment != 0) return Drop(ProxyIncident.DatagramFragment);
        if (status != Socks5Status.Complete) return Drop(ProxyIncident.DatagramMalformed);
        _speaker ??= plain;
        target = asked as IPEndPoint;
        if (asked is DnsEndPoint name) target = Resolve(name, datagram[header..]);
        return header;
    }

    private int Drop(ProxyIncident incident)
    {
        _incidents.Count(incident);
        return 0;
    }

    private IPEndPoint? Resolve(DnsEndPoint name, ReadOnlySpan<byte> payload)
    {
        if (_names.TryGet(name.Host, out IPAddress? known))
        {
            if (known is null) _incidents.Count(ProxyIncident.DatagramUnresolved);
            return known is null ? null : new IPEndPoint(known, name.Port);
        }
        if (Interlocked.Increment(ref _resolving) > MaxUnresolved)
        {
            Interlocked.Decrement(ref _resolving);
            _incidents.Count(ProxyIncident.DatagramOverflowed);
            return null;
        }
        _ = ResolveAsync(name, payload.ToArray());
        return null;
    }

    // The datagrams of other targets go on meanwhile.
    private async Task ResolveAsync(DnsEndPoint name, byte[] payload)
    {
        IPAddress? address = await _names.ResolveAsync(name.Host, _closing.Token).ConfigureAwait(false);
        if (address is null) _incidents.Count(ProxyIncident.DatagramUnresolved);
        else _resolved.Enqueue((new IPEndPoint(address, name.Port), payload));
        Interlocked.Decrement(ref _resolving);
        if (address is null) return;
        try
        {
            _wake?.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The receiver was woken by something else.
        }
    }

    // Only a receive begins to resolve a name, so that a receive that begins without any needs nothing to wake it.
    private bool IsResolving => Volatile.Read(ref _resolving) > 0 || !_resolved.IsEmpty;

    /// <summary>Waits for the port, or until a name is resolved.</summary>
    private async ValueTask<DatagramItem> WakeablyAsync(
        Memory<byte> whole, DatagramBatch? batch, bool isReceive, CancellationToken cancellationToken)
    {
        using CancellationTokenSource wake = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _wake = wake;
        try
        {
            if (!_resolved.IsEmpty) return default;
            if (batch is not null)
            {
                await _port.ReceiveAsync(batch, wake.Token).ConfigureAwait(false);
                return default;
            }
            if (isReceive) return await _port.ReceiveAsync(whole, wake.Token).ConfigureAwait(false);
            await _port.WaitAsync(wake.Token).ConfigureAwait(false);
            return default;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return default;
        }
        finally
        {
            _wake = null;
        }
    }
}
