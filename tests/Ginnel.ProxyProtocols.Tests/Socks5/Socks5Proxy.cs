using Ginnel.Testing;

namespace Ginnel.ProxyProtocols.Tests.Socks5;

/// <summary>A SOCKS5 listener between clients and a world, all within the process and in simulated time.</summary>
internal sealed class Socks5Proxy : IAsyncDisposable
{
    internal static readonly byte[] Hello = [5, 1, 0];
    internal static readonly byte[] Zeros = [0, 1, 0, 0, 0, 0, 0, 0];
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _relaying;

    internal Socks5Proxy(Func<SimulatedTime, Socks5Options>? options = null)
    {
        Listener = new Socks5Listener(Clients, options?.Invoke(Time) ?? new Socks5Options { Time = Time });
        Relay = new Relay(Listener, World, new RelayOptions { Time = Time });
        _relaying = Relay.RunAsync(_stop.Token);
    }

    internal SimulatedTime Time { get; } = new();
    internal TestClients Clients { get; } = new();
    internal TestWorld World { get; } = new();
    internal Socks5Listener Listener { get; }
    internal Relay Relay { get; }

    /// <summary>A client that has agreed on no authentication.</summary>
    internal async Task<TestClient> GreetAsync(string address = "192.0.2.10")
    {
        TestClient client = Clients.Connect(address);
        await client.SayAsync(Hello);
        Assert.Equal(new byte[] { 5, 0 }, await client.HearAsync(2));
        return client;
    }

    /// <summary>A CONNECT to 203.0.113.5:80.</summary>
    internal static byte[] Connect { get; } = [5, 1, 0, 1, 203, 0, 113, 5, 0, 80];

    /// <summary>A reply of failure.</summary>
    internal static byte[] Refusal(byte code) => [5, code, .. Zeros];

    /// <summary>Waits for what happens on other threads.</summary>
    internal static async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Listener.DisposeAsync();
        await _relaying;
        _stop.Dispose();
    }
}
