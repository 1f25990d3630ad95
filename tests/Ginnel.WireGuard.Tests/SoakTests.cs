using System.Buffers.Binary;
using System.Net;
using Ginnel.Netstack;
using Ginnel.WireGuard.Protocol;

namespace Ginnel.WireGuard.Tests;

/// <summary>
/// Eight hours between a server and two clients, one of them with a persistent keepalive, over a network that has every bad day there is:
/// and after each of them everything works again, no rule of the protocol was broken, and at the end nothing is left.
/// </summary>
public sealed class SoakTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Eight_hours_of_bad_days_leave_nothing_behind(int seed)
    {
        await using Soak soak = new(seed);
        Instant end = soak.Internet.Time.Now + TimeSpan.FromHours(8);
        try
        {
            while (soak.Internet.Time.Now < end)
            {
                soak.HaveABadDay();
                soak.Recover();
            }
            soak.FallSilent();
        }
        catch
        {
            TestContext.Current.TestOutputHelper!.WriteLine($"Seed {seed}; the latest messages:\n{soak.Observed}");
            throw;
        }
    }

    private sealed class Soak : IAsyncDisposable
    {
        private readonly Random _random;
        private readonly Weather _weather;
        private readonly ProtocolObserver _observer;
        private readonly TunnelEnd _server;
        private readonly TunnelEnd[] _clients;
        private readonly CountingTime[] _clocks;
        private TimeSpan _latest;
        private int _moves;
        private int _texts;

        public Soak(int seed)
        {
            _random = new Random(seed);
            _weather = new Weather(Internet.Time, seed);
            Internet.Weather = _weather;
            _observer = new ProtocolObserver(Internet.Time);
            Internet.Observer = _observer.Observe;
            _clocks = [.. Enumerable.Range(0, 3).Select(_ => new CountingTime(Internet.Time))];
            _server = new TunnelEnd(Internet, "192.0.2.1:51820", "10.0.0.1", 1, new WireGuardOptions { Time = _clocks[0] });
            _clients =
            [
                new TunnelEnd(Internet, "198.51.100.1:1001", "10.0.0.2", 2, new WireGuardOptions { Time = _clocks[1] }),
                new TunnelEnd(Internet, "198.51.100.2:1002", "10.0.0.3", 3, new WireGuardOptions { Time = _clocks[2] }),
            ];
            Introduce(0);
            Introduce(1);
        }

        public TestInternet Internet { get; } = new();

        public string Observed => _observer.Tail;

        public async ValueTask DisposeAsync()
        {
            await _server.DisposeAsync();
            foreach (TunnelEnd client in _clients) await client.DisposeAsync();
        }

        /// <summary>Something goes wrong for a while, with traffic or without.</summary>
        public void HaveABadDay()
        {
            int seconds = _random.Next(10, 900), client = _random.Next(2);
            int traffic = _random.Next(4);
            switch (_random.Next(9))
            {
                case 0:
                    (_weather.Loss, _weather.Duplication, _weather.MaxDelay) = (0.3 * _random.NextDouble(), 0.2, TimeSpan.FromSeconds(_random.NextDouble() * 3));
                    break;
                case 1:
                    _weather.Unreachable.Add(_server.Carrier.Endpoint);
                    break;
                case 2:
                    _weather.Unreachable.Add(_clients[client].Carrier.Endpoint);
                    break;
                case 3:
                    // The server forgets everything, also the latest timestamps.
                    _server.Link.RemovePeer(_clients[client].PublicKey);
                    _server.Know(_clients[client], knowsWhere: false);
                    _observer.HasForgotten(_server.Carrier.Endpoint);
                    break;
                case 4:
                    // Who has forgotten what it sent last must have the right time, or the server takes it for a replay: so it is with WireGuard.
                    _clocks[1 + client].Offset = _latest;
                    _clients[client].Link.RemovePeer(_server.PublicKey);
                    KnowServer(client);
                    _observer.HasForgotten(_clients[client].Carrier.Endpoint);
                    break;
                case 5:
                    foreach (CountingTime clock in _clocks) clock.Offset += TimeSpan.FromHours(_random.Next(-48, 48));
                    _latest = _clocks.Max(clock => clock.Offset) is var latest && latest > _latest ? latest : _latest;
                    break;
                case 6:
                    _observer.MayBeLate = true;
                    seconds = Math.Min(seconds, 60);
                    _clients[client].Carrier.IsFull = true;
                    _server.Carrier.IsFull = _random.Next(2) == 0;
                    break;
                case 7:
                    traffic = 0;
                    seconds *= 2;
                    break;
                default:
                    for (int i = 0; i < 400; i++) Noise();
                    break;
            }
            for (int second = 0; second < seconds; second++)
            {
                if (second % 30 == 29 && _random.Next(8) == 0) Roam(_random.Next(2));
                Talk(traffic);
                Step();
            }
        }

        /// <summary>The network is good again: within the time that the timers need everything works, and goes on working.</summary>
        public void Recover()
        {
            _weather.Calm();
            foreach (TunnelEnd end in (TunnelEnd[])[_server, .. _clients]) end.Carrier.HasRoom();
            for (int second = 0; second < 40; second++)
            {
                Talk(traffic: 3);
                Step();
            }
            _observer.MayBeLate = false;
            int began = _texts;
            Take();
            int before = _observer.Initiations;
            int calm = _random.Next(30, 400);
            for (int second = 0; second < calm; second++)
            {
                Talk(traffic: 3);
                Step();
            }
            Internet.Run(Second);
            Assert.Equal(Enumerable.Range(began, 4 * calm), Take().Where(number => number >= began).Order());
            // Two sessions, each renewed every two minutes by its initiator; by both ends where both had begun at once.
            Assert.InRange(_observer.Initiations - before, 2 * (calm / 126), 4 * (calm / 119 + 1));
        }

        /// <summary>Nobody says anything any more: keys are wiped, indices free, timers off.</summary>
        public void FallSilent()
        {
            // The keepalives of one client would go on for ever.
            _clients[1].Link.RemovePeer(_server.PublicKey);
            _server.Link.RemovePeer(_clients[1].PublicKey);
            Internet.Run(TimeSpan.FromMinutes(20));
            foreach (TunnelEnd end in (TunnelEnd[])[_server, .. _clients])
            {
                Assert.Equal(0, end.Link.Device.Indices);
                Assert.Equal(0, end.Link.Device.QueuedDeadlines);
                Assert.All(end.Link.Device.Peers, peer => Assert.Equal((0, true), (peer.StagedCount, peer.Current is null && peer.Pending is null)));
            }
            Assert.Equal(Instant.Never, Internet.Time.NextTimer);
        }

        private void Introduce(int client)
        {
            KnowServer(client);
            _server.Know(_clients[client], knowsWhere: false);
        }

        private void KnowServer(int client) => _clients[client].Know(_server, keepalive: client == 0 ? default : TimeSpan.FromSeconds(25));

        private void Talk(int traffic)
        {
            foreach (TunnelEnd client in _clients)
            {
                if ((traffic & 1) != 0) client.Send(_server.Inside, $"{_texts++}");
                if ((traffic & 2) != 0) _server.Send(client.Inside, $"{_texts++}");
            }
        }

        // A second passes; nobody is woken more than now and then, and nothing piles up.
        private void Step()
        {
            int[] before = [.. _clocks.Select(clock => clock.Wakes)];
            Internet.Run(Second);
            for (int i = 0; i < before.Length; i++) Assert.InRange(_clocks[i].Wakes - before[i], 0, 8);
            foreach (TunnelEnd end in (TunnelEnd[])[_server, .. _clients])
            {
                Assert.InRange(end.Link.Device.Indices, 0, 4 * end.Link.Device.Peers.Count);
                Assert.InRange(end.Link.Device.QueuedDeadlines, 0, end.Link.Device.Peers.Count);
            }
        }

        private void Roam(int client)
        {
            _moves++;
            Internet.Move(_clients[client].Carrier, $"203.0.113.{1 + _moves % 250}:{1_000 + _moves}");
        }

        private void Noise()
        {
            byte[] noise = new byte[_random.Next(1, 200)];
            _random.NextBytes(noise);
            if (noise.Length > 4) (noise[0], noise[1], noise[2], noise[3]) = ((byte)_random.Next(1, 5), 0, 0, 0);
            _server.Carrier.Receive(new UdpEndpoint(new IPEndPoint(IPAddress.Parse("203.0.113.255"), _random.Next(1, 65_535))), noise);
        }

        private List<int> Take()
        {
            List<int> numbers = [];
            foreach (TunnelEnd end in (TunnelEnd[])[_server, .. _clients]) numbers.AddRange(end.TakeTexts().Select(int.Parse));
            return numbers;
        }
    }
}
