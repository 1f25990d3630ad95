using System.Net;
using System.Net.Sockets;

namespace Ginnel.AspNetCore;

/// <summary>
/// A listener of any kind as an endpoint: what arrives at it is served. A port or Unix socket of the operating system
/// (<see cref="HostListener"/>), every address at once (<see cref="NetworkHost.AcceptConnections"/>), or one of your own.
/// </summary>
public sealed class ListenerEndPoint : EndPoint
{
    private int _taken;

    /// <summary>An endpoint for a listener.</summary>
    /// <param name="listener">Bound once, and disposed of when the server stops listening.</param>
    /// <param name="name">What the server's list of addresses shows behind its scheme; null for where the listener says it listens.</param>
    public ListenerEndPoint(IListener listener, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(listener);
        Listener = listener;
        Name = name ?? listener switch
        {
            HostListener { LocalEndPoint: UnixDomainSocketEndPoint path } => $"unix:{path}",
            HostListener { LocalEndPoint: var local } => local.ToString()!,
            StackListener { LocalEndPoint: var local } => local.ToString(),
            _ => listener.GetType().Name,
        };
    }

    /// <summary>The listener.</summary>
    public IListener Listener { get; }

    /// <summary>Its name in the server's list of addresses.</summary>
    public string Name { get; }

    /// <summary>Takes the listener for a server; false when one has it already.</summary>
    internal bool TryTake() => Interlocked.Exchange(ref _taken, 1) == 0;

    /// <inheritdoc/>
    public override string ToString() => Name;
}
