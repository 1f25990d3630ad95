using System.Globalization;
using System.Net;
using Ginnel.Linux.Carriers;
using Ginnel.WireGuard;

namespace Ginnel.Interop.WireGuard;

/// <summary>
/// Our end of a tunnel, as a process in a namespace: echoes on port 7 of its inside addresses, and does what its standard input says
/// (<see cref="EndOrders"/>). Arguments: private key, peer's public key, preshared key or -, port (with a 0 before it for portable sockets),
/// peer's endpoint or -, MTU, inside addresses; then any of <c>scale=N</c> for a protocol clock that runs so many times as fast, and
/// <c>keepalive=SECONDS</c>.
/// </summary>
internal static class WireGuardEnd
{
    public const string Word = "__wireguard";

    public static async Task<int> RunAsync(string[] words)
    {
        int port = int.Parse(words[3], CultureInfo.InvariantCulture), mtu = int.Parse(words[5], CultureInfo.InvariantCulture);
        int scale = Option(words, "scale") ?? 1;
        MovingCarrier carrier = new(words[3].StartsWith('0') ? BindPortable : BindSegments, port);
        await using WireGuardLink link = new(Convert.FromBase64String(words[0]), carrier, new WireGuardOptions
        {
            Mtu = mtu,
            Time = scale == 1 ? null : new ScaledTime(scale),
            Peers =
            [
                new WireGuardPeerOptions
                {
                    PublicKey = Convert.FromBase64String(words[1]),
                    PresharedKey = words[2] == "-" ? null : Convert.FromBase64String(words[2]),
                    Endpoint = words[4] == "-" ? null : IPEndPoint.Parse(words[4]),
                    AllowedIps = [IPNetwork.Parse("0.0.0.0/0"), IPNetwork.Parse("::/0")],
                    PersistentKeepalive = TimeSpan.FromSeconds(Option(words, "keepalive") ?? 0),
                },
            ],
        });
        await using NetworkHost host = new(new NetworkHostOptions { Name = "tunnel" });
        HostInterface way = host.AddInterface(new HostInterfaceOptions { Link = link.Properties, Addresses = [.. words[6].Split(',').Select(text => InterfaceAddress.Parse(text))] });
        host.Attach(way, link);
        _ = EchoAsync(host.Listen(new IPEndPoint(IPAddress.Any, 7)));
        _ = EchoAsync(host.Listen(new IPEndPoint(IPAddress.IPv6Any, 7)));
        EndOrders orders = new(link, host, carrier);
        Console.WriteLine("ready");
        while (await Console.In.ReadLineAsync() is { } line) Console.WriteLine(await orders.DoAsync(line.Split(' ')));
        return 0;
    }

    private static IDatagramCarrier BindPortable(int port) => UdpCarrier.Bind(new IPEndPoint(IPAddress.IPv6Any, port));

    private static IDatagramCarrier BindSegments(int port) => UdpSegmentCarrier.Bind(new IPEndPoint(IPAddress.IPv6Any, port));

    private static int? Option(string[] words, string name) =>
        words.Skip(7).FirstOrDefault(word => word.StartsWith(name + "=", StringComparison.Ordinal)) is { } word
            ? int.Parse(word[(name.Length + 1)..], CultureInfo.InvariantCulture) : null;

    private static async Task EchoAsync(StackListener listener)
    {
        while (await listener.AcceptStreamAsync() is { } stream)
        {
            _ = Task.Run(async () =>
            {
                await using (stream)
                {
                    await stream.CopyToAsync(stream);
                    await stream.CompleteWritesAsync();
                }
            });
        }
    }
}
