using System.Net;
using System.Net.Sockets;
using Ginnel.Crypto;
using Ginnel.Netstack;
using Ginnel.Testing;
using Ginnel.Tests;
using Ginnel.Wire;

namespace Ginnel.WireGuard.Tests;

/// <summary>
/// Eight hours of TCP, UDP and dials to nobody between two hosts on a tunnel whose network is bad, gone, or elsewhere, in virtual time: what
/// arrives is right, and afterwards no socket, buffer, packet, index or timer is left.
/// </summary>
public sealed class HostSoakTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Eight_hours_of_tcp_and_udp_leave_nothing_behind(int seed)
    {
        // Continuations must run where the scheduler runs them, not in a context of the test runner's.
        SynchronizationContext? context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            using World world = new(seed);
            for (int hour = 0; hour < 8; hour++) world.PassAnHour();
            world.FallSilent();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    private sealed class World : IDisposable
    {
        private const int EchoPort = 7, Length = 60_000;
        private readonly int _seed;
        private readonly Random _random;
        private readonly TestInternet _internet = new();
        private readonly Weather _weather;
        private readonly SeededCompletions _completions;
        private readonly NetworkRuntime _runtime;
        private readonly CountingTime[] _clocks;
        private readonly TestCarrier[] _carriers;
        private readonly WireGuardLink[] _links;
        private readonly NetworkHost[] _hosts;
        private readonly List<Task> _flows = [];
        private readonly StackListener _listener;
        private readonly IDatagramPort _echo;
        private readonly Task _serving;
        private int _whole;
        private int _broken;
        private int _replies;
        private int _refused;

        public World(int seed)
        {
            (_seed, _random) = (seed, new Random(seed));
            _weather = new Weather(_internet.Time, seed);
            _weather.Calm();
            _internet.Weather = _weather;
            _internet.Observer = new ProtocolObserver(_internet.Time).Observe;
            _completions = new SeededCompletions(seed);
            _runtime = new NetworkRuntime(new NetworkRuntimeOptions { Time = _internet.Time, Completions = _completions, Entropy = new SeededEntropy((ulong)seed) });
            _clocks = [new CountingTime(_internet.Time), new CountingTime(_internet.Time)];
            byte[][] keys = [new byte[32], new byte[32]];
            foreach (byte[] key in keys) _random.NextBytes(key);
            _carriers = [_internet.Join("192.0.2.1:51820"), _internet.Join("198.51.100.1:1")];
            _links = [.. Enumerable.Range(0, 2).Select(i => new WireGuardLink(keys[i], _carriers[i], new WireGuardOptions { Time = _clocks[i], Entropy = new SeededEntropy((ulong)(seed * 10 + i)) }))];
            _hosts = [.. Enumerable.Range(0, 2).Select(i => Join(i))];
            _links[0].AddPeer(new WireGuardPeerOptions { PublicKey = _links[1].PublicKey, AllowedIps = [IPNetwork.Parse("10.0.0.2/32")] });
            _links[1].AddPeer(new WireGuardPeerOptions
            {
                PublicKey = _links[0].PublicKey, CarrierEndpoint = _carriers[0].Endpoint, AllowedIps = [IPNetwork.Parse("10.0.0.1/32"), IPNetwork.Parse("10.0.0.128/25")],
            });
            _listener = _hosts[0].Listen(new IPEndPoint(IPAddress.Any, EchoPort));
            _echo = _hosts[0].BindUdp(new IPEndPoint(IPAddress.Any, EchoPort));
            _serving = Task.WhenAll(ServeAsync(), EchoDatagramsAsync());
        }

        /// <summary>Twelve times five minutes, each with weather of its own.</summary>
        public void PassAnHour()
        {
            for (int part = 0; part < 12; part++)
            {
                _weather.Calm();
                switch (_random.Next(5))
                {
                    case 0:
                        (_weather.Loss, _weather.Duplication, _weather.MaxDelay) = (0.05, 0.05, TimeSpan.FromMilliseconds(200));
                        break;
                    case 1:
                        _weather.Unreachable.Add(_carriers[_random.Next(2)].Endpoint);
                        break;
                    case 2:
                        _internet.Move(_carriers[1], $"203.0.113.{_random.Next(1, 255)}:{_random.Next(1, 60_000)}");
                        break;
                    default:
                        break;
                }
                PassFiveMinutes();
            }
        }

        /// <summary>Everything ends, and the tunnel goes quiet.</summary>
        public void FallSilent()
        {
            _weather.Calm();
            Run(TimeSpan.FromMinutes(20));
            Assert.All(_flows, flow => Assert.True(flow.IsCompletedSuccessfully, $"seed {_seed}: {flow.Exception}"));
            Assert.True(_whole > 100 && _replies > 1_000 && _refused > 50, $"seed {_seed}: {_whole} whole, {_broken} broken, {_replies} replies, {_refused} refused");
            Assert.All(_links, link => Assert.Equal((0, 0), (link.Device.Indices, link.Device.QueuedDeadlines)));
            // The listener, its port, and nothing else.
            Assert.Equal((2, 0), (_hosts[0].Snapshot().Sockets, _hosts[1].Snapshot().Sockets));
            Assert.All(_hosts, host => Assert.Equal(0, host.Snapshot().BufferBytes));
            Assert.Equal(0, _runtime.Pool.Rented);
            Assert.Equal(0, _runtime.PoisonedHosts);
        }

        public void Dispose()
        {
            Task ending = Task.WhenAll(_listener.DisposeAsync().AsTask(), _echo.DisposeAsync().AsTask());
            for (int step = 0; step < 1_000 && !(ending.IsCompleted && _serving.IsCompleted); step++) Run(TimeSpan.FromMilliseconds(10));
            foreach (NetworkHost host in _hosts)
            {
                ValueTask disposing = host.DisposeAsync();
                while (_completions.RunOne()) { }
                disposing.AsTask().Wait(TimeSpan.FromSeconds(30));
            }
            _runtime.Dispose();
        }

        private NetworkHost Join(int number)
        {
            NetworkHost host = new(new NetworkHostOptions { Runtime = _runtime, Name = $"host {number + 1}" });
            HostInterface way = host.AddInterface(new HostInterfaceOptions
            {
                Link = _links[number].Properties, Addresses = [new InterfaceAddress(IPAddress.Parse($"10.0.0.{number + 1}"), 24)],
            });
            host.Attach(way, _links[number]);
            return host;
        }

        private void PassFiveMinutes()
        {
            for (int tens = 0; tens < 30; tens++)
            {
                int[] before = [.. _clocks.Select(clock => clock.Wakes)];
                if (tens % 6 == 0) _flows.Add(StreamAsync(_random.Next()));
                if (tens % 10 == 0) _flows.Add(DialNobodyAsync());
                _flows.Add(AskAsync());
                Run(TimeSpan.FromSeconds(10));
                for (int i = 0; i < before.Length; i++) Assert.InRange(_clocks[i].Wakes - before[i], 0, 15);
            }
            _flows.RemoveAll(flow => flow.IsCompletedSuccessfully);
        }

        private void Run(TimeSpan time)
        {
            Instant end = _internet.Time.Now + time;
            while (true)
            {
                while (_completions.RunOne()) { }
                _internet.Pump();
                if (_completions.RunOne()) continue;
                Instant next = Instant.Min(_internet.Time.NextTimer, _weather.NextArrival);
                if (next > end) break;
                _internet.Time.AdvanceTo(next);
            }
            _internet.Time.AdvanceTo(end);
        }

        private async Task StreamAsync(int seed)
        {
            byte[] sent = new byte[Length], received = new byte[Length];
            new Random(seed).NextBytes(sent);
            try
            {
                await using TcpStream stream = await _hosts[1].ConnectAsync(new IPEndPoint(IPAddress.Parse("10.0.0.1"), EchoPort));
                Task writing = WriteAsync(stream, sent);
                await stream.ReadExactlyAsync(received);
                await writing;
                Assert.True(sent.AsSpan().SequenceEqual(received), "The stream is not what was sent.");
                _whole++;
            }
            catch (Exception failure) when (failure is IOException or SocketException)
            {
                // The network was away for longer than TCP waits.
                _broken++;
            }
        }

        private static async Task WriteAsync(TcpStream stream, byte[] bytes)
        {
            await stream.WriteAsync(bytes);
            await stream.CompleteWritesAsync();
        }

        // A port of its own for each question, as resolvers do; some go where no peer is, or to one that is not there.
        private async Task AskAsync()
        {
            await using IDatagramPort port = _hosts[1].BindUdp(new IPEndPoint(IPAddress.Any, 0));
            await port.SendAsync(new byte[200], new IPEndPoint(IPAddress.Parse("10.0.0.99"), 9));
            await port.SendAsync(new byte[200], new IPEndPoint(IPAddress.Parse("10.0.0.200"), 9));
            await port.SendAsync(new byte[700], new IPEndPoint(IPAddress.Parse("10.0.0.1"), EchoPort));
            using CancellationTokenSource patience = new(TimeSpan.FromSeconds(3), _internet.Time);
            try
            {
                DatagramItem item = await port.ReceiveAsync(new byte[2_000], patience.Token);
                if (item.Length == 700) _replies++;
            }
            catch (OperationCanceledException)
            {
                // Lost, as datagrams are.
            }
        }

        private async Task DialNobodyAsync()
        {
            try
            {
                using CancellationTokenSource patience = new(TimeSpan.FromSeconds(30), _internet.Time);
                await using TcpStream stream = await _hosts[1].ConnectAsync(new IPEndPoint(IPAddress.Parse("10.0.0.99"), 80), patience.Token);
            }
            catch (Exception failure) when (failure is SocketException or OperationCanceledException)
            {
                _refused++;
            }
        }

        private async Task ServeAsync()
        {
            while (await _listener.AcceptStreamAsync() is { } stream) _flows.Add(ReturnAsync(stream));
        }

        private static async Task ReturnAsync(TcpStream stream)
        {
            try
            {
                await using (stream)
                {
                    byte[] buffer = new byte[5_000];
                    while (await stream.ReadAsync(buffer) is var read and > 0) await stream.WriteAsync(buffer.AsMemory(0, read));
                }
            }
            catch (IOException)
            {
                // Its client is gone.
            }
        }

        private async Task EchoDatagramsAsync()
        {
            byte[] buffer = new byte[2_000];
            try
            {
                while (true)
                {
                    DatagramItem item = await _echo.ReceiveAsync(buffer);
                    // An item without bytes tells that an answer came too late, for a port that is closed.
                    if (item.Length > 0) await _echo.SendAsync(buffer.AsMemory(0, item.Length), item.Remote);
                }
            }
            catch (Exception ended) when (ended is ObjectDisposedException or SocketException)
            {
                // The end.
            }
        }
    }
}
