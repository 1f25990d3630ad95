using Ginnel.Testing;

namespace Ginnel.ProxyProtocols.Tests.Http;

/// <summary>An HTTP proxy between clients and a world, all within the process and in simulated time.</summary>
internal sealed class HttpTestProxy : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _relaying;

    internal HttpTestProxy(Func<SimulatedTime, HttpProxyOptions>? options = null)
    {
        Listener = new HttpProxyListener(Clients, options?.Invoke(Time) ?? new HttpProxyOptions { Time = Time, ViaName = "here" });
        _relaying = new Relay(Listener, World, new RelayOptions { Time = Time }).RunAsync(_stop.Token);
    }

    internal SimulatedTime Time { get; } = new();
    internal TestClients Clients { get; } = new();
    internal TestWorld World { get; } = new();
    internal HttpProxyListener Listener { get; }

    /// <summary>What a client hears that says this and nothing else.</summary>
    internal async Task<string> AskAsync(string request)
    {
        await using TestClient client = Clients.Connect();
        await client.SayAsync(request);
        return await client.HearTextAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Listener.DisposeAsync();
        await _relaying;
        _stop.Dispose();
    }
}
