using System.Buffers;
using System.Collections.Concurrent;
using System.Net;
using Ginnel.Wire;

namespace Ginnel;

/// <summary>
/// A DNS server on any port or listener: our own names, and everything else passed on to name servers. It caches nothing: the servers behind it
/// do, and an answer must be the one that the program would have got bare. Fails closed: without a server, SERVFAIL.
/// </summary>
public sealed class DnsServer
{
    private const int LargestQuery = 4096, MaxNamesPerAnswer = 64;
    private readonly DnsServerOptions _options;
    private readonly LocalDnsNames _names;
    private readonly DnsForwarder _forwarder;
    // A C library that hears nothing repeats its question with the same id from the same port; it is under way already.
    private readonly ConcurrentDictionary<(IPEndPoint Source, ushort Id), byte> _underWay = new();
    private long _questions;
    private long _refused;
    private int _connections;

    /// <summary>A server that serves nothing yet.</summary>
    public DnsServer(DnsServerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _names = new LocalDnsNames(options.Zone, options.Names);
        _forwarder = new DnsForwarder(options.Dialer, options.Resolvers, options.Time, options.MaxPending);
    }

    /// <summary>Questions answered or under way.</summary>
    public long Questions => Interlocked.Read(ref _questions);

    /// <summary>Questions to which no server had an answer.</summary>
    public long Failures => _forwarder.Failures;

    /// <summary>Questions dropped and connections refused because a limit was reached.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>Answers on a port until it closes or the token is cancelled.</summary>
    public async Task ServeAsync(IDatagramPort port, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(port);
        byte[] buffer = new byte[LargestQuery];
        try
        {
            while (true)
            {
                DatagramItem item = await port.ReceiveAsync(buffer, cancellationToken).ConfigureAwait(false);
                if (item.Failure.Kind != DialFailureKind.None) continue;
                Begin(port, item.Remote, buffer.AsSpan(0, item.Length), cancellationToken);
            }
        }
        catch (Exception failure) when (failure is ObjectDisposedException or OperationCanceledException)
        {
        }
    }

    /// <summary>Answers on a listener until it closes or the token is cancelled.</summary>
    public async Task ServeAsync(IListener listener, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(listener);
        try
        {
            while (await listener.AcceptAsync(cancellationToken).ConfigureAwait(false) is { } pending)
            {
                if (Interlocked.Increment(ref _connections) > _options.MaxConnections)
                {
                    Interlocked.Decrement(ref _connections);
                    Interlocked.Increment(ref _refused);
                    pending.Reject(new DialFailure(DialFailureKind.Limit));
                    continue;
                }
                _ = ServeConnectionAsync(pending, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
    }

    /// <summary>Answers one question; 0 for what deserves no answer.</summary>
    internal async ValueTask<int> AnswerAsync(DnsQuery query, Memory<byte> answer, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _questions);
        int length = _names.Answer(query, answer.Span);
        if (length == 0) length = await _forwarder.AnswerAsync(query, answer, cancellationToken).ConfigureAwait(false);
        if (_options.GivenNames is { } given) Remember(given, query, answer.Span[..length]);
        return length;
    }

    private void Begin(IDatagramPort port, IPEndPoint source, ReadOnlySpan<byte> message, CancellationToken cancellationToken)
    {
        DnsResponseCode error = DnsQuery.Read(message, DnsTransport.Udp, out DnsQuery? query);
        if (query is null)
        {
            if (error == DnsResponseCode.NoError) return;
            byte[] bare = new byte[DnsHeader.Size];
            int length = DnsAnswers.Bare(message, error, bare);
            _ = SendAsync(port, bare.AsMemory(0, length), source, cancellationToken);
            return;
        }
        (IPEndPoint, ushort) key = (source, query.Header.Id);
        // The forwarder answers SERVFAIL at its limit; at twice that even answering is too much.
        if (_underWay.Count >= 2 * _options.MaxPending)
        {
            Interlocked.Increment(ref _refused);
            return;
        }
        if (_underWay.TryAdd(key, 0)) _ = AnswerDatagramAsync(port, source, query, key, cancellationToken);
    }

    private async Task AnswerDatagramAsync(IDatagramPort port, IPEndPoint source, DnsQuery query, (IPEndPoint, ushort) key, CancellationToken cancellationToken)
    {
        byte[] answer = ArrayPool<byte>.Shared.Rent(Math.Max(query.MaxAnswer, LargestQuery));
        try
        {
            int length = await AnswerAsync(query, answer, cancellationToken).ConfigureAwait(false);
            await port.SendAsync(answer.AsMemory(0, length), source, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is OperationCanceledException or ObjectDisposedException)
        {
        }
        finally
        {
            _underWay.TryRemove(key, out _);
            ArrayPool<byte>.Shared.Return(answer);
        }
    }

    private static async Task SendAsync(IDatagramPort port, ReadOnlyMemory<byte> message, IPEndPoint target, CancellationToken cancellationToken)
    {
        try
        {
            await port.SendAsync(message, target, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is OperationCanceledException or ObjectDisposedException)
        {
        }
    }

    private async Task ServeConnectionAsync(IPendingConnection pending, CancellationToken cancellationToken)
    {
        try
        {
            await using DuplexStream stream = await pending.AcceptAsync(cancellationToken).ConfigureAwait(false);
            await new DnsConnection(this, stream, _options).RunAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The asker's affair: it went away, or was idle for too long.
        }
        finally
        {
            Interlocked.Decrement(ref _connections);
        }
    }

    private static void Remember(GivenNames given, DnsQuery query, ReadOnlySpan<byte> answer)
    {
        if (query.Type is not (DnsType.A or DnsType.Aaaa or DnsType.Any) || DnsView.TryParse(answer, out DnsView view) != DropReason.None) return;
        string? name = null;
        int count = 0;
        foreach (DnsRecord record in view.Records)
        {
            // The name that was asked for, not the end of its chain of aliases, is what the program meant.
            if (record.Section != DnsSection.Answer || !record.TryGetAddress(out IpAddress address)) continue;
            if (++count > MaxNamesPerAnswer) return;
            given.Add(address.ToIPAddress(), name ??= query.Name.ToString(), TimeSpan.FromSeconds(record.TtlSeconds));
        }
    }
}
