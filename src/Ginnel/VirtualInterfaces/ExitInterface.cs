using System.Collections.Concurrent;
using System.Net;

namespace Ginnel;

/// <summary>The far end of virtual interfaces: relays what entrances send to what it exposes. Each entrance has a host of its own here.</summary>
public sealed class ExitInterface : IAsyncDisposable
{
    private readonly ConcurrentDictionary<ExitSession, Task> _sessions = new();
    private readonly ExposedRoutes _routes;
    private readonly DnsServerOptions? _names;
    private int _disposed;

    internal ExitInterface(ExitOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxSessions, 1, nameof(options));
        Options = options;
        Flows = options.Relay.Flows ?? new FlowRegistry(options.Relay.Time);
        _routes = new ExposedRoutes(options.Expose, options.Dialer ?? new DirectDialer(new DirectDialerOptions
        {
            Redirect = ExposedRoutes.Redirect,
            LoopbackRemedy = $"the exit host's loopback is reached as {VirtualInterface.ExitLoopbackName} where it is exposed",
            DatagramSockets = options.DatagramSockets,
            Time = options.Relay.Time,
        }));
        if (!options.ServeNames) return;
        IReadOnlyList<IPAddress> aliases = _routes.LoopbackAliases;
        Dictionary<string, IReadOnlyList<IPAddress>> names = [];
        if (aliases.Count > 0 && options.Dialer is null) names[VirtualInterface.ExitLoopbackName] = aliases;
        _names = new DnsServerOptions
        {
            // The host's name server often listens on its loopback; that it is asked exposes nothing else there.
            Dialer = options.NameDialer ?? new DirectDialer(new DirectDialerOptions { AllowHostLoopback = true, DatagramSockets = options.DatagramSockets }),
            Resolvers = options.NameServers ?? new HostResolverFile(),
            Names = names,
        };
    }

    internal ExitOptions Options { get; }

    /// <summary>The live flows of all sessions.</summary>
    public FlowRegistry Flows { get; }

    /// <summary>Entrances that are connected.</summary>
    public int SessionCount => _sessions.Count;

    /// <summary>Serves an entrance over a link, which the session owns.</summary>
    /// <exception cref="InvalidOperationException">There are as many sessions as may be, or the exit is closed; the link is left to the caller.</exception>
    public ExitSession Add(ILink link)
    {
        ArgumentNullException.ThrowIfNull(link);
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        if (_sessions.Count >= Options.MaxSessions) throw new InvalidOperationException($"{Options.Name} serves {Options.MaxSessions} entrances already, which is its limit.");
        ExitSession session = new(this, link, _routes, _names is null ? null : new DnsServer(_names));
        _sessions[session] = session.Start();
        if (session.Completion.IsCompleted) Forget(session);
        // An exit that was closed meanwhile has not seen this session.
        if (Volatile.Read(ref _disposed) != 0) _ = session.DisposeAsync().AsTask();
        return session;
    }

    internal void Forget(ExitSession session) => _sessions.TryRemove(session, out _);

    /// <summary>Ends every session. Prompt, and may be called any number of times.</summary>
    public async ValueTask DisposeAsync()
    {
        Interlocked.Exchange(ref _disposed, 1);
        await Task.WhenAll(_sessions.Keys.Select(session => session.DisposeAsync().AsTask())).ConfigureAwait(false);
    }
}
