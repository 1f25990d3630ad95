using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Ginnel.Linux.Events;
using Ginnel.Linux.Streams;
using Ginnel.Netstack;

namespace Ginnel.Macro.Workers;

/// <summary>
/// The stack behind a link without offload: whatever a guest on a Unix socket dials is dialled at this host's loopback. Says when it listens, and
/// ends with its standard input.
/// </summary>
internal static class StreamGateway
{
    /// <summary>The address that a guest dials.</summary>
    internal const string Address = "10.0.2.4";

    internal static async Task<int> RunAsync(string path)
    {
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen(1);
        Console.WriteLine("ready");
        using EventLoop loop = new("network", runsContinuations: true);
        LinuxStreamSockets sockets = new(loop);
        using IHostStreamAcceptor acceptor = sockets.Listen(listener);
        HostStream stream = await acceptor.AcceptAsync().ConfigureAwait(false);
        // Away from the loop's thread, which is not to wait for standard input.
        await Task.Yield();
        using NetworkRuntime runtime = new(new NetworkRuntimeOptions { Completions = loop });
        await using NetworkHost host = new(new NetworkHostOptions { Runtime = runtime });
        await using StreamLink link = new(stream, new StreamLinkOptions { Medium = LinkMedium.Ethernet, Mtu = FrameBridge.Mtu, Scheduler = loop });
        HostInterface guest = host.AddInterface(new HostInterfaceOptions
        {
            Name = "guest",
            Link = link.Properties,
            Mac = PhysicalAddress.Parse("02-67-69-6E-6E-01"),
            Addresses = [InterfaceAddress.Parse("10.0.2.2/24")],
            AnyIp = true,
            AnyIpExcept = [IPNetwork.Parse("10.0.2.100/32")],
            IpV6 = false,
            DuplicateAddressDetection = DuplicateAddressDetection.Off,
        });
        DirectDialer dialer = new(new DirectDialerOptions
        {
            Redirect = asked => new IPEndPoint(IPAddress.Loopback, asked.Port),
            StreamSockets = sockets,
        });
        _ = new Relay(host.AcceptConnections(), dialer, new RelayOptions { Scheduler = loop }).RunAsync();
        host.Attach(guest, link, ownsLink: false);
        while (Console.In.Read() >= 0) { }
        return 0;
    }
}
