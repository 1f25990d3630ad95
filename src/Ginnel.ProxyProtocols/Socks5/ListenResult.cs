using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Ginnel.ProxyProtocols;

/// <summary>What listening for a BIND yields: a listener and where it listens, or one failure.</summary>
public readonly struct ListenResult
{
    private ListenResult(IListener? listener, IPEndPoint? localEndPoint, DialFailure failure) => (Listener, LocalEndPoint, Failure) = (listener, localEndPoint, failure);

    /// <summary>The listener, owned by the caller; null when it failed.</summary>
    public IListener? Listener { get; }

    /// <summary>Where a peer reaches it; told to the client. Null when it failed.</summary>
    public IPEndPoint? LocalEndPoint { get; }

    /// <summary>The failure; kind none when it did not fail.</summary>
    public DialFailure Failure { get; }

    /// <summary>Whether there is a listener.</summary>
    [MemberNotNullWhen(true, nameof(Listener), nameof(LocalEndPoint))]
    public bool IsListening => Listener is not null;

    /// <summary>A success.</summary>
    public static ListenResult Listening(IListener listener, IPEndPoint localEndPoint)
    {
        ArgumentNullException.ThrowIfNull(listener);
        ArgumentNullException.ThrowIfNull(localEndPoint);
        return new ListenResult(listener, localEndPoint, default);
    }

    /// <summary>A failure.</summary>
    public static ListenResult Failed(DialFailure failure) => new(null, null, failure);
}
