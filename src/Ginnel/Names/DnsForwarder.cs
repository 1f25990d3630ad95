using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using Ginnel.Wire;

namespace Ginnel;

/// <summary>
/// Passes questions of every type on to name servers, byte for byte but for the id, and their answers back. Each question leaves from a port of
/// its own with an id of its own, both unpredictable, and only an answer from a server that was asked, with that id and that question, counts
/// (RFC 5452). Servers are asked in turn; one that answered is asked first next time.
/// </summary>
internal sealed class DnsForwarder(IDialer dialer, IResolverSource resolvers, TimeProvider time, int maxPending)
{
    /// <summary>How long one server is waited for. Three of these are less than the 5 s after which a C library gives up itself.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(1.5);

    private const int Attempts = 3, MaxStrays = 64, UdpBuffer = 4096;
    private static readonly FlowInfo UdpFlow = new() { Protocol = FlowProtocol.Udp, Origin = "dns" };
    private static readonly FlowInfo TcpFlow = new() { Protocol = FlowProtocol.Tcp, Origin = "dns" };
    private int _pending;
    private int _preferred;
    private long _failures;

    /// <summary>Questions under way.</summary>
    public int Pending => Volatile.Read(ref _pending);

    /// <summary>Questions that were answered with SERVFAIL by us.</summary>
    public long Failures => Interlocked.Read(ref _failures);

    /// <summary>Asks, and writes an answer in every case: the server's, or an error.</summary>
    /// <returns>Bytes of the answer.</returns>
    public async ValueTask<int> AnswerAsync(DnsQuery query, Memory<byte> answer, CancellationToken cancellationToken)
    {
        IPEndPoint[] servers = Choose(query, resolvers.Current);
        if (servers.Length == 0 && LocalDnsNames.IsPrivate(query.Name) && resolvers.Current.Servers.Count > 0) return DnsAnswers.Empty(query, DnsResponseCode.NameError, answer.Span);
        int length = 0;
        if (servers.Length > 0 && Interlocked.Increment(ref _pending) <= maxPending)
        {
            try
            {
                length = await AskAsync(query, servers, answer, cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                Interlocked.Decrement(ref _pending);
            }
        }
        else if (servers.Length > 0)
        {
            Interlocked.Decrement(ref _pending);
        }
        if (length > 0)
        {
            BinaryPrimitives.WriteUInt16BigEndian(answer.Span, query.Header.Id);
            return length;
        }
        Interlocked.Increment(ref _failures);
        return DnsAnswers.Empty(query, DnsResponseCode.ServerFailure, answer.Span);
    }

    /// <summary>The servers in the order in which they are asked.</summary>
    private IPEndPoint[] Choose(DnsQuery query, ResolverConfiguration configuration)
    {
        IEnumerable<IPEndPoint> allowed = LocalDnsNames.IsPrivate(query.Name) ? configuration.Servers.Where(s => IsPrivate(s.Address)) : configuration.Servers;
        IPEndPoint[] servers = [.. allowed];
        if (servers.Length < 2) return servers;
        int first = configuration.Rotate ? Interlocked.Increment(ref _preferred) & int.MaxValue : Volatile.Read(ref _preferred);
        return [.. Enumerable.Range(0, servers.Length).Select(i => servers[(first + i) % servers.Length])];
    }

    private async ValueTask<int> AskAsync(DnsQuery query, IPEndPoint[] servers, Memory<byte> answer, CancellationToken cancellationToken)
    {
        byte[] question = (byte[])query.Message.Clone();
        ushort id = (ushort)SystemEntropy.Shared.NextUInt32();
        BinaryPrimitives.WriteUInt16BigEndian(question, id);
        (int length, IPEndPoint? server) = await AskByDatagramAsync(query, question, id, servers, answer, cancellationToken).ConfigureAwait(false);
        if (length == 0 || server is null) return length;
        bool isTruncated = (answer.Span[2] & 0x02) != 0;
        if (isTruncated && query.Transport == DnsTransport.Tcp)
        {
            // RFC 7766 section 5: whoever sees TC asks again over TCP. Over UDP the asker sees it and will come back by TCP.
            int whole = await AskByStreamAsync(query, question, id, server, answer, cancellationToken).ConfigureAwait(false);
            return whole;
        }
        // A server that says more than the asker can take must not make us send it.
        return length <= query.MaxAnswer ? length : DnsAnswers.Empty(query, DnsResponseCode.NoError, answer.Span, isTruncated: true);
    }

    private async ValueTask<(int Length, IPEndPoint? Server)> AskByDatagramAsync(
        DnsQuery query, byte[] question, ushort id, IPEndPoint[] servers, Memory<byte> answer, CancellationToken cancellationToken)
    {
        BindResult bound = await dialer.BindAsync(UdpFlow, cancellationToken).ConfigureAwait(false);
        if (!bound.IsBound) return default;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Math.Max(UdpBuffer, Math.Min(query.MaxAnswer, answer.Length)));
        try
        {
            DatagramExchange exchange = new(query, id, bound.Port, servers, buffer);
            for (int attempt = 0; attempt < Math.Max(Attempts, servers.Length) && !exchange.HasGivenUp; attempt++)
            {
                int index = attempt % servers.Length;
                if (exchange.IsDead(index)) continue;
                int length = await exchange.AskAsync(index, question, time, Wait, cancellationToken).ConfigureAwait(false);
                if (length == 0) continue;
                Prefer(servers[exchange.AnsweredBy]);
                return Take(buffer, length, answer) ? (length, servers[exchange.AnsweredBy]) : default;
            }
            // An error that every server gave is still an answer.
            return exchange.ErrorLength > 0 && Take(exchange.Error, exchange.ErrorLength, answer) ? (exchange.ErrorLength, null) : default;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            await bound.Port.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async ValueTask<int> AskByStreamAsync(DnsQuery query, byte[] question, ushort id, IPEndPoint server, Memory<byte> answer, CancellationToken cancellationToken)
    {
        using CancellationTokenSource patience = new(Patience * 2, time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            DialResult dialed = await dialer.DialAsync(server, TcpFlow with { Destination = server }, either.Token).ConfigureAwait(false);
            if (!dialed.IsConnected) return 0;
            await using DuplexStream stream = dialed.Stream;
            await DnsFraming.WriteAsync(stream, question, either.Token).ConfigureAwait(false);
            // Some servers send their answer in pieces, and strays must not keep us: one message is read, and it is the answer or is none.
            int length = await DnsFraming.ReadAsync(stream, answer, either.Token).ConfigureAwait(false);
            return length > 0 && query.IsAnsweredBy(answer.Span[..length], id, out _) ? length : 0;
        }
        catch (Exception failure) when (failure is IOException || (failure is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return 0;
        }
    }

    private TimeSpan Wait => resolvers.Current.Timeout is { } timeout && timeout < Patience ? timeout : Patience;

    private void Prefer(IPEndPoint server)
    {
        IReadOnlyList<IPEndPoint> all = resolvers.Current.Servers;
        for (int i = 0; i < all.Count; i++)
        {
            if (all[i].Equals(server) && !resolvers.Current.Rotate) Volatile.Write(ref _preferred, i);
        }
    }

    private static bool Take(byte[] buffer, int length, Memory<byte> answer) => length <= answer.Length && buffer.AsMemory(0, length).TryCopyTo(answer);

    private static bool IsPrivate(IPAddress address)
    {
        if (IPAddress.IsLoopback(address) || address.IsIPv6LinkLocal || address.IsIPv6UniqueLocal || address.IsIPv6SiteLocal) return true;
        IpAddress ours = IpAddress.From(address);
        return ours.IsV4 && (PrivateV4.Any(p => p.Contains(ours)));
    }

    private static readonly IpPrefix[] PrivateV4 =
        [IpPrefix.Parse("10.0.0.0/8"), IpPrefix.Parse("172.16.0.0/12"), IpPrefix.Parse("192.168.0.0/16"), IpPrefix.Parse("169.254.0.0/16"), IpPrefix.Parse("100.64.0.0/10")];

    /// <summary>One question on one port, put to one server after the other; an answer of any that was asked counts.</summary>
    private sealed class DatagramExchange(DnsQuery query, ushort id, IDatagramPort port, IPEndPoint[] servers, byte[] buffer)
    {
        private readonly bool[] _asked = new bool[servers.Length], _dead = new bool[servers.Length];

        public int AnsweredBy { get; private set; }

        /// <summary>An answer that says only that its server could not or would not.</summary>
        public byte[] Error { get; private set; } = [];

        public int ErrorLength => Error.Length;

        public bool HasGivenUp => Array.TrueForAll(_dead, static d => d);

        public bool IsDead(int index) => _dead[index];

        /// <summary>Asks one server and waits; 0 when there is no useful answer.</summary>
        public async ValueTask<int> AskAsync(int index, byte[] question, TimeProvider time, TimeSpan wait, CancellationToken cancellationToken)
        {
            _asked[index] = true;
            DialFailure failure = await port.SendAsync(question, servers[index], cancellationToken).ConfigureAwait(false);
            if (failure.Kind != DialFailureKind.None)
            {
                _dead[index] = true;
                return 0;
            }
            using CancellationTokenSource patience = new(wait, time);
            using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
            try
            {
                for (int strays = 0; strays < MaxStrays && !_dead[index]; strays++)
                {
                    DatagramItem item = await port.ReceiveAsync(buffer, either.Token).ConfigureAwait(false);
                    if (Judge(item) is var length and > 0) return length;
                }
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
            }
            return 0;
        }

        private int Judge(DatagramItem item)
        {
            int from = Array.FindIndex(servers, s => s.Equals(item.Remote));
            if (from < 0 || !_asked[from]) return 0;
            if (item.Failure.Kind != DialFailureKind.None)
            {
                _dead[from] = true;
                return 0;
            }
            if (!query.IsAnsweredBy(buffer.AsSpan(0, item.Length), id, out DnsHeader header)) return 0;
            if (header.ResponseCode is DnsResponseCode.ServerFailure or DnsResponseCode.Refused or DnsResponseCode.NotImplemented)
            {
                Error = buffer.AsSpan(0, item.Length).ToArray();
                _dead[from] = true;
                return 0;
            }
            AnsweredBy = from;
            return item.Length;
        }
    }
}
