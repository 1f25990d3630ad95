using System.Net;
using System.Net.Http;

namespace Ginnel;

/// <summary>The near end of a virtual interface: a host whose every packet goes to the exit.</summary>
public sealed class EntranceInterface : IAsyncDisposable
{
    private readonly LinkAttachment _attachment;

    internal EntranceInterface(ILink link, EntranceOptions options)
    {
        Host = new NetworkHost(new NetworkHostOptions { Name = options.Name, Runtime = options.Runtime, Tcp = options.Tcp });
        List<InterfaceAddress> addresses = [new(VirtualInterface.EntranceAddress, 32)];
        if (options.IpV6) addresses.Add(new InterfaceAddress(VirtualInterface.EntranceAddressV6, 128));
        HostInterface way = Host.AddInterface(new HostInterfaceOptions { Name = options.Name, Addresses = addresses, Link = link.Properties, IpV6 = options.IpV6 });
        Host.AddRoute(VirtualInterface.AllV4, way);
        if (options.IpV6) Host.AddRoute(VirtualInterface.AllV6, way);
        IReadOnlyList<IPEndPoint> servers = options.NameServers ?? [new IPEndPoint(VirtualInterface.ExitAddress, 53)];
        if (servers.Count > 0)
            Host.Resolver = new DnsClient(Host.Dialer, new DnsClientOptions { Servers = servers, IpV6 = options.IpV6, Time = Host.Runtime.Time });
        _attachment = Host.Attach(way, link);
    }

    /// <summary>The host: connect, bind and listen on it.</summary>
    public NetworkHost Host { get; }

    /// <summary>A dialer into the exit's network, for relays.</summary>
    public StackDialer Dialer => Host.Dialer;

    /// <summary>Completes when the link has ended; faults with what broke it. The entrance is of no use from then on.</summary>
    public Task Completion => _attachment.Completion;

    /// <summary>For <c>new HttpClient(entrance.CreateHandler())</c>; names are resolved at the exit.</summary>
    public SocketsHttpHandler CreateHandler() => Host.CreateHandler();

    /// <summary>Connects to what the exit exposes.</summary>
    /// <exception cref="System.Net.Sockets.SocketException">It failed; a destination that is not exposed is an <see cref="AccessDeniedException"/>.</exception>
    public ValueTask<TcpStream> ConnectAsync(EndPoint remote, CancellationToken cancellationToken = default) => Host.ConnectAsync(remote, cancellationToken);

    /// <summary>Resets what is open and closes the link. Prompt, and may be called any number of times.</summary>
    public ValueTask DisposeAsync() => Host.DisposeAsync();
}
