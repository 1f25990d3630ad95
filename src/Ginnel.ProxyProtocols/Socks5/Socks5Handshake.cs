namespace Ginnel.ProxyProtocols;

/// <summary>One client's way from its first byte to its request (RFC 1928 sections 3 and 4, RFC 1929).</summary>
internal sealed class Socks5Handshake(ProxyClient client, Socks5Options options, ProxyIncidents incidents)
{
    /// <summary>The request, once the handshake succeeded.</summary>
    internal Socks5Request Request { get; private set; }

    /// <summary>What to say last to a client that is refused; empty to say nothing.</summary>
    internal ReadOnlyMemory<byte> Refusal { get; private set; }

    /// <summary>Whether there is a request. Nothing is said in advance: each answer follows what it answers.</summary>
    internal async Task<bool> RunAsync(CancellationToken cancellationToken) =>
        await NegotiateAsync(cancellationToken).ConfigureAwait(false)
        && (options.Credentials is null || await AuthenticateAsync(options.Credentials, cancellationToken).ConfigureAwait(false))
        && await ReadRequestAsync(cancellationToken).ConfigureAwait(false);

    private async Task<bool> NegotiateAsync(CancellationToken cancellationToken)
    {
        byte wanted = options.Credentials is null ? Socks5Reader.NoAuthentication : Socks5Reader.UserPassword;
        int length;
        bool isOffered;
        while (true)
        {
            Socks5Status status = Socks5Reader.ReadGreeting(client.Input.Unread.Span, out ReadOnlySpan<byte> methods, out length);
            isOffered = methods.Contains(wanted);
            if (status == Socks5Status.Complete) break;
            if (!await MoreAsync(status, cancellationToken).ConfigureAwait(false)) return false;
        }
        client.Input.Skip(length);
        if (!isOffered)
        {
            // What the client offers does not decide what is needed: without the wanted method there is none.
            incidents.Count(ProxyIncident.Unauthorized);
            Refusal = new[] { Socks5Reader.Version, Socks5Reader.NoAcceptableMethod };
            return false;
        }
        await client.Stream.WriteAsync(new[] { Socks5Reader.Version, wanted }, cancellationToken).ConfigureAwait(false);
        return true;
    }

    private async Task<bool> AuthenticateAsync(ProxyCredentials credentials, CancellationToken cancellationToken)
    {
        int length;
        bool isMatch;
        while (true)
        {
            Socks5Status status = Socks5Reader.ReadCredentials(client.Input.Unread.Span, out ReadOnlySpan<byte> user, out ReadOnlySpan<byte> password, out length);
            isMatch = status == Socks5Status.Complete && credentials.Match(user, password);
            if (status == Socks5Status.Complete) break;
            if (!await MoreAsync(status, cancellationToken).ConfigureAwait(false)) return false;
        }
        client.Input.Skip(length);
        if (!isMatch)
        {
            // RFC 1929 section 2: any status but 0 is a failure, and the connection is closed.
            incidents.Count(ProxyIncident.Unauthorized);
            Refusal = new byte[] { Socks5Reader.AuthenticationVersion, 1 };
            return false;
        }
        await client.Stream.WriteAsync(new byte[] { Socks5Reader.AuthenticationVersion, 0 }, cancellationToken).ConfigureAwait(false);
        return true;
    }

    private async Task<bool> ReadRequestAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Socks5Status status = Socks5Reader.ReadRequest(client.Input.Unread.Span, out Socks5Request request);
            switch (status)
            {
                case Socks5Status.Complete:
                    client.Input.Skip(request.Length);
                    Request = request;
                    return true;
                case Socks5Status.BadAddressType:
                    incidents.Count(ProxyIncident.Malformed);
                    Refusal = Socks5Reply.Of(Socks5Code.AddressTypeNotSupported);
                    return false;
                case Socks5Status.BadTarget:
                    incidents.Count(ProxyIncident.Malformed);
                    Refusal = Socks5Reply.Of(Socks5Code.GeneralFailure);
                    return false;
            }
            if (!await MoreAsync(status, cancellationToken).ConfigureAwait(false)) return false;
        }
    }

    private async Task<bool> MoreAsync(Socks5Status status, CancellationToken cancellationToken)
    {
        if (status == Socks5Status.Malformed)
        {
            incidents.Count(ProxyIncident.Malformed);
            return false;
        }
        if (await client.Input.FillAsync(cancellationToken).ConfigureAwait(false)) return true;
        incidents.Count(ProxyIncident.HandshakeBroken);
        return false;
    }
}
