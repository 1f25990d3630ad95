using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Ginnel.Interop.Running;
using Ginnel.WireGuard;

namespace Ginnel.Interop.WireGuard;

/// <summary>What a <see cref="WireGuardEnd"/> does when told to; each order is a line and has one line for an answer.</summary>
internal sealed class EndOrders(WireGuardLink link, NetworkHost host, MovingCarrier carrier)
{
    // A machine under load may lose a datagram that nobody repeats; what is tested is that the next one arrives.
    private const int Attempts = 6;
    private readonly HttpClient _client = new(host.CreateHandler());
    private Task<string>? _begun;
    private Task? _flood;
    private CancellationTokenSource? _calm;

    public async Task<string> DoAsync(string[] order)
    {
        try
        {
            return order[0] switch
            {
                "get" => await HashAsync(await _client.GetStreamAsync(order[1])),
                "put" => await (await _client.PutAsync(order[1], new ByteArrayContent(Pattern(Number(order[2]))))).Content.ReadAsStringAsync(),
                "tell" => await ExchangeAsync(order[1], Number(order[2]), answer => Encoding.UTF8.GetString(answer).Split(' ')[0]),
                "echo" => await ExchangeAsync(order[1], Number(order[2]), answer => Convert.ToHexStringLower(SHA256.HashData(answer))),
                "fetch" => await FetchAsync(order[1]),
                "datagram" => await DatagramAsync(order[1], Number(order[2])),
                "ping" => await PingAsync(IPAddress.Parse(order[1]), Number(order[2]), order.Length > 3 ? Number(order[3]) : Attempts),
                "drip" => await DripAsync(order[1], Number(order[2])),
                "begin" => Begin(order[1..]),
                "await" => await _begun!,
                "move" => await MoveAsync(Number(order[1])),
                "notes" => carrier.Notes.ToString(),
                "flood" => Flood(),
                "flooded" => BeFlooded(),
                "calm" => await CalmAsync(),
                "peer" => link.Peers[0].ToString(),
                "counters" => link.Counters.ToString(),
                _ => "?",
            };
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            return "failed: " + failure.ToString().ReplaceLineEndings(" | ");
        }
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static byte[] Pattern(int count)
    {
        byte[] bytes = new byte[count];
        PeerServer.Fill(bytes, 0);
        return bytes;
    }

    private static async Task<string> HashAsync(Stream stream)
    {
        await using (stream) return Convert.ToHexStringLower(await SHA256.HashDataAsync(stream));
    }

    /// <summary>Lets an order go on while others are given; <c>await</c> has its answer.</summary>
    private string Begin(string[] order)
    {
        _begun = Task.Run(() => DoAsync(order));
        return "begun";
    }

    private async Task<string> MoveAsync(int port)
    {
        await carrier.MoveAsync(port);
        return carrier.LocalEndPoint!.ToString()!;
    }

    /// <summary>Sends so many bytes, ends that direction, and reads all that comes meanwhile.</summary>
    private async Task<string> ExchangeAsync(string to, int count, Func<byte[], string> describe)
    {
        await using TcpStream stream = await host.ConnectAsync(IPEndPoint.Parse(to));
        using MemoryStream answer = new();
        Task reading = stream.CopyToAsync(answer);
        await stream.WriteAsync(Pattern(count));
        await stream.CompleteWritesAsync();
        await reading;
        return describe(answer.ToArray());
    }

    private async Task<string> FetchAsync(string from) => await HashAsync(await host.ConnectAsync(IPEndPoint.Parse(from)));

    /// <summary>Sends a datagram of so many bytes and compares the answer; whether it was the same.</summary>
    private async Task<string> DatagramAsync(string to, int count)
    {
        IPEndPoint remote = IPEndPoint.Parse(to);
        await using IDatagramPort port = host.BindUdp(new IPEndPoint(remote.Address.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0));
        return await AskAsync(port, remote, Pattern(count), Attempts);
    }

    /// <summary>Pings so many times, one after the other; how many came back.</summary>
    private async Task<string> PingAsync(IPAddress address, int count, int attempts)
    {
        await using IDatagramPort port = host.BindEcho(new IPEndPoint(address.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0));
        int same = 0;
        for (int i = 0; i < count; i++)
        {
            byte[] request = [(byte)(i >> 8), (byte)i, .. Pattern(56)];
            if (await AskAsync(port, new IPEndPoint(address, 0), request, attempts) == "same") same++;
            await Task.Delay(50);
        }
        return string.Create(CultureInfo.InvariantCulture, $"{same} of {count}");
    }

    private static async Task<string> AskAsync(IDatagramPort port, IPEndPoint remote, byte[] request, int attempts)
    {
        string answer = "no answer";
        for (int attempt = 0; attempt < attempts && answer != "same"; attempt++) answer = await AskOnceAsync(port, remote, request);
        return answer;
    }

    private static async Task<string> AskOnceAsync(IDatagramPort port, IPEndPoint remote, byte[] request)
    {
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(5));
        byte[] buffer = new byte[65_536];
        string answer = "no answer";
        try
        {
            await port.SendAsync(request, remote, patience.Token);
            while (true)
            {
                // What answers an earlier attempt, or the request before, is passed over.
                DatagramItem item = await port.ReceiveAsync(buffer, patience.Token);
                if (buffer.AsSpan(0, item.Length).SequenceEqual(request)) return "same";
                answer = $"other: {item}";
            }
        }
        catch (OperationCanceledException)
        {
            return answer;
        }
    }

    /// <summary>Sends our last initiation again and again until <c>calm</c>: the peer has to look at each, and soon is under load.</summary>
    private string Flood()
    {
        if (carrier.Notes.Sent is not { } last) return "nothing to send";
        _flood = BurstAsync(() => carrier.TrySend(last.To, last.Message, last.Message.Length), RestAsync);
        return "begun";
    }

    /// <summary>Sends ourselves the peer's last initiation likewise, by a socket of its own.</summary>
    private string BeFlooded()
    {
        if (carrier.Notes.Received is not { } last) return "nothing to send";
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        IPEndPoint us = new(IPAddress.Loopback, ((IPEndPoint)carrier.LocalEndPoint!).Port);
        _flood = BurstAsync(() => socket.SendTo(last, us), () => Task.Delay(200));
        return "begun";
    }

    private async Task BurstAsync(Action send, Func<Task> rest)
    {
        _calm = new CancellationTokenSource(TimeSpan.FromSeconds(300));
        for (; !_calm.IsCancellationRequested; await rest())
            for (int i = 0; i < 600; i++) send();
    }

    // The kernel remembers a burst as load for a second. Another before it is through with the one before would only lengthen its queue, until what it
    // answers there is older than what anybody still waits for.
    private async Task RestAsync()
    {
        await Task.Delay(500);
        for (int before = -1; before != carrier.Notes.Cookies; await Task.Delay(100)) before = carrier.Notes.Cookies;
    }

    private async Task<string> CalmAsync()
    {
        await _calm!.CancelAsync();
        await _flood!;
        return carrier.Notes.ToString();
    }

    /// <summary>Has blocks echoed one after the other for so many seconds; how many were right, and the longest wait for one in milliseconds.</summary>
    private async Task<string> DripAsync(string to, int seconds)
    {
        await using TcpStream stream = await host.ConnectAsync(IPEndPoint.Parse(to));
        byte[] block = new byte[8_192], answer = new byte[block.Length];
        Stopwatch clock = Stopwatch.StartNew();
        TimeSpan longest = default;
        long at = 0;
        for (; clock.Elapsed < TimeSpan.FromSeconds(seconds); at += block.Length)
        {
            PeerServer.Fill(block, at);
            TimeSpan before = clock.Elapsed;
            await stream.WriteAsync(block);
            await stream.ReadExactlyAsync(answer);
            if (!answer.AsSpan().SequenceEqual(block)) return string.Create(CultureInfo.InvariantCulture, $"damaged after {at} bytes");
            if (clock.Elapsed - before is var wait && wait > longest) longest = wait;
            await Task.Delay(10);
        }
        return string.Create(CultureInfo.InvariantCulture, $"intact {at} {longest.TotalMilliseconds:F0}");
    }
}
