using System.Net;
using Ginnel.Wire;

namespace Ginnel;

/// <summary>How a <see cref="DnsClient"/> asks.</summary>
public sealed class DnsClientOptions
{
    /// <summary>Name servers in the order in which they are asked, at least one.</summary>
    public required IReadOnlyList<IPEndPoint> Servers { get; init; }

    /// <summary>How long one server may take; then the next is asked, then the first again.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Times that each server is asked.</summary>
    public int Attempts { get; init; } = 2;

    /// <summary>Whether IPv6 addresses are asked for.</summary>
    public bool IpV6 { get; init; } = true;

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>
/// Resolves names by asking servers through a dialer: at the exit of a virtual interface, inside a tunnel. Each question has a port and a
/// number of its own (RFC 5452); an answer that was cut short is fetched over TCP (RFC 7766).
/// </summary>
public sealed class DnsClient : INameResolver
{
    // Chains of aliases longer than this are taken for a loop.
    private const int MaxAliases = 16;
    private const int MaxAddresses = 32;
    private readonly DnsExchange _exchange;
    private readonly DnsClientOptions _options;

    /// <summary>A client that reaches its servers through the dialer.</summary>
    public DnsClient(IDialer dialer, DnsClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(dialer);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Servers.Count == 0) throw new ArgumentException("A DNS client needs at least one server.", nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Attempts, 1, nameof(options));
        _options = options;
        _exchange = new DnsExchange(dialer, options);
    }

    /// <inheritdoc/>
    public async ValueTask<NameResult> ResolveAsync(string name, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (IPAddress.TryParse(name, out IPAddress? literal)) return new NameResult([literal]);
        if (!DnsName.TryParse(name, out DnsName asked) || asked.IsRoot)
            return new NameResult([], new DialFailure(DialFailureKind.NameNotFound, $"{name}: not a valid name"));
        Task<NameResult> v4 = AskAsync(name, asked, DnsType.A, cancellationToken);
        if (!_options.IpV6) return await v4.ConfigureAwait(false);
        NameResult six = await AskAsync(name, asked, DnsType.Aaaa, cancellationToken).ConfigureAwait(false);
        NameResult four = await v4.ConfigureAwait(false);
        if (six.Addresses.Count + four.Addresses.Count > 0) return new NameResult([.. six.Addresses, .. four.Addresses]);
        return four;
    }

    private async Task<NameResult> AskAsync(string name, DnsName asked, DnsType type, CancellationToken cancellationToken)
    {
        byte[] question = new byte[DnsQuery.PlainUdpAnswer];
        int length = Write(asked, type, question);
        (byte[] answer, DialFailure failure) = await _exchange.AskAsync(question.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
        if (failure.Kind != DialFailureKind.None) return new NameResult([], failure with { Detail = $"{name}: {failure.Detail ?? DialFailures.ToText(failure)}" });
        return Read(name, asked, type, answer);
    }

    private static int Write(DnsName name, DnsType type, byte[] buffer)
    {
        DnsWriter writer = new(buffer, new DnsHeader { Id = (ushort)SystemEntropy.Shared.NextUInt32(), RecursionDesired = true });
        // A name of 255 bytes, its question and the EDNS record fit 512 bytes.
        writer.TryAddQuestion(name, type);
        writer.TryAddEdns(DnsExchange.UdpAnswer);
        return writer.Length;
    }

    private static NameResult Read(string name, DnsName asked, DnsType type, byte[] answer)
    {
        // The exchange has checked that it parses and answers the question.
        if (DnsView.TryParse(answer, out DnsView view) != DropReason.None) return NameResult.NotFound(name);
        if (view.Header.ResponseCode == DnsResponseCode.NameError) return NameResult.NotFound(name);
        if (view.Header.ResponseCode != DnsResponseCode.NoError)
            return new NameResult([], new DialFailure(DialFailureKind.NameNotFound, $"{name}: the name server answered {view.Header.ResponseCode}"));
        List<IPAddress> addresses = [];
        DnsName owner = asked;
        for (int aliases = 0; aliases <= MaxAliases; aliases++)
        {
            DnsName? alias = null;
            foreach (DnsRecord record in view.Records)
            {
                if (record.Section != DnsSection.Answer || record.Class != DnsClass.In || !record.Name.Is(owner)) continue;
                if (record.Type == type && record.TryGetAddress(out IpAddress address) && addresses.Count < MaxAddresses) addresses.Add(address.ToIPAddress());
                else if (record.Type == DnsType.Cname && record.TryGetTarget(out DnsNameView target)) alias = target.ToName();
            }
            if (addresses.Count > 0 || alias is null) break;
            owner = alias.Value;
        }
        return addresses.Count == 0 ? NameResult.NotFound(name) : new NameResult(addresses);
    }
}
