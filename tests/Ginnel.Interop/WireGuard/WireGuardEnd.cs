using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using Ginnel.Interop.Running;
using Ginnel.Linux.Carriers;
using Ginnel.WireGuard;

namespace Ginnel.Interop.WireGuard;

/// <summary>
/// Our end of a tunnel, as a process in a namespace: echoes on port 7 of its inside addresses, and fetches and sends what its standard input
/// says. Arguments: private key, peer's public key, preshared key or -, port, peer's endpoint or -, MTU, inside networks.
/// </summary>
internal static class WireGuardEnd
{
    public const string Word = "__wireguard";

    public static async Task<int> RunAsync(string[] words)
    {
        int port = int.Parse(words[3], CultureInfo.InvariantCulture), mtu = int.Parse(words[5], CultureInfo.InvariantCulture);
        IDatagramCarrier carrier = words[3].StartsWith('0') ? UdpCarrier.Bind(new IPEndPoint(IPAddress.IPv6Any, port)) : UdpSegmentCarrier.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
        await using WireGuardLink link = new(Convert.FromBase64String(words[0]), carrier, new WireGuardOptions
        {
            Mtu = mtu,
            Peers =
            [
                new WireGuardPeerOptions
                {
                    PublicKey = Convert.FromBase64String(words[1]),
                    PresharedKey = words[2] == "-" ? null : Convert.FromBase64String(words[2]),
                    Endpoint = words[4] == "-" ? null : IPEndPoint.Parse(words[4]),
                    AllowedIps = [IPNetwork.Parse("0.0.0.0/0"), IPNetwork.Parse("::/0")],
                },
            ],
        });
        await using NetworkHost host = new(new NetworkHostOptions { Name = "tunnel" });
        HostInterface way = host.AddInterface(new HostInterfaceOptions { Link = link.Properties, Addresses = [.. words[6].Split(',').Select(text => InterfaceAddress.Parse(text))] });
        host.Attach(way, link);
        _ = EchoAsync(host.Listen(new IPEndPoint(IPAddress.Any, 7)));
        _ = EchoAsync(host.Listen(new IPEndPoint(IPAddress.IPv6Any, 7)));
        using HttpClient client = new(host.CreateHandler());
        Console.WriteLine("ready");
        while (await Console.In.ReadLineAsync() is { } line)
        {
            string[] order = line.Split(' ');
            Console.WriteLine(order[0] switch
            {
                "get" => await HashAsync(await client.GetStreamAsync(order[1])),
                "put" => await (await client.PutAsync(order[1], new ByteArrayContent(Pattern(int.Parse(order[2], CultureInfo.InvariantCulture))))).Content.ReadAsStringAsync(),
                "peer" => link.Peers[0].ToString(),
                "counters" => link.Counters.ToString(),
                _ => "?",
            });
        }
        return 0;
    }

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
