using System.Net;
using System.Net.NetworkInformation;
using Ginnel.Netstack;
using Ginnel.Services.Http;
using Ginnel.Services.Status;

namespace Ginnel.Sandbox;

/// <summary>
/// The network of one sandbox: a stack that takes whatever the program sends, its DNS server and status page, and the relays that carry
/// connections and datagrams to the way out.
/// </summary>
internal sealed class RunNetwork : IAsyncDisposable
{
    private const int DnsPort = 53, HttpPort = 80;
    private readonly CancellationTokenSource _ending = new();
    private readonly List<Task> _tasks = [];
    private readonly SandboxAddresses _addresses;
    private readonly RunOptions _options;
    private readonly WayOut _way;
    private readonly NetworkRuntime _runtime;

    public RunNetwork(RunOptions options, SandboxAddresses addresses, WayOut way, CompletionScheduler completions)
    {
        (_options, _addresses, _way) = (options, addresses, way);
        _runtime = new NetworkRuntime(new NetworkRuntimeOptions { Completions = completions });
        GivenNames names = new();
        Dictionary<string, IReadOnlyList<IPAddress>> own = addresses.Names;
        foreach (string name in way.Names.Keys) own.Add(name, way.Names[name]);
        Log = new FlowLog(options.FlowLog);
        Flows.Observe(Log);
        Dns = new DnsServer(new DnsServerOptions
        {
            Dialer = way.ResolverDialer,
            Resolvers = way.Resolvers,
            Names = own,
            Zone = SandboxAddresses.Zone,
            GivenNames = names,
        });
        Host = new NetworkHost(new NetworkHostOptions { Name = "sandbox", AddressNames = names, Runtime = _runtime });
    }

    public NetworkHost Host { get; }
    public FlowRegistry Flows { get; } = new();
    public FlowLog Log { get; }
    public DnsServer Dns { get; }

    /// <summary>Opens everything on the stack and lets the link carry. The link stays its owner's.</summary>
    public void Start(ILink link, Wire.MacAddress? mac, Publication publication, bool reachesLoopbackV6)
    {
        AddressPlan[] plans = [.. _addresses.Plans];
        IPNetwork[] guests = new IPNetwork[plans.Length];
        for (int i = 0; i < plans.Length; i++) guests[i] = new IPNetwork(plans[i].Guest, plans[i].Prefix.Address.BitCount);
        HostInterface way = Host.AddInterface(new HostInterfaceOptions
        {
            Name = "sandbox",
            Link = link.Properties,
            Mac = mac is { } station ? new PhysicalAddress(ToBytes(station)) : null,
            AnyIp = true,
            AnyIpExcept = guests,
            IpV6 = _addresses.V6 is not null,
            // The cable has one other end, whose addresses we gave it.
            DuplicateAddressDetection = DuplicateAddressDetection.Off,
            PeerLoopback = _options.Publish.Count > 0,
            PeerLoopbackV6 = reachesLoopbackV6,
        });
        foreach (AddressPlan plan in plans)
        {
            way.AddAddress(new InterfaceAddress(plan.Gateway, plan.Prefix.Length));
            way.AddAddress(new InterfaceAddress(plan.NameServer, plan.Prefix.Length));
            IPNetwork everything = plan.Guest.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? new(IPAddress.Any, 0) : new(IPAddress.IPv6Any, 0);
            // Whatever address a program gave itself: what came by this link is answered by it.
            Host.AddRoute(everything, way, plan.Guest);
            _tasks.Add(Dns.ServeAsync(Host.BindUdp(new IPEndPoint(plan.NameServer, DnsPort)), _ending.Token));
            _tasks.Add(Dns.ServeAsync(Host.Listen(new IPEndPoint(plan.NameServer, DnsPort)), _ending.Token));
        }
        if (_options.StatusPage) StartStatus();
        StartRelays();
        _tasks.Add(TellWhenBrokenAsync(Host.Attach(way, link, ownsLink: false).Completion));
        _tasks.AddRange(publication.RelayTo(new InsideDialer(Host, _addresses, reachesLoopbackV6), Flows, _ending.Token));
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await Host.DisposeAsync();
        await Task.WhenAll(_tasks).WaitAsync(TimeSpan.FromSeconds(1)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _runtime.Dispose();
    }

    /// <summary>Fails closed, but says so: without its link the program has no network.</summary>
    private async Task TellWhenBrokenAsync(Task link)
    {
        await link.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (link.Exception?.InnerException is { } failure && !_ending.IsCancellationRequested)
            Console.Error.WriteLine($"ginnel: the sandbox's device has failed ({failure.Message}); COMMAND has no network from here on");
    }

    private void StartStatus()
    {
        SandboxStatus status = new(_options, _addresses, _way, Flows, Log, TimeProvider.System);
        StatusPage page = new(status.Take, SandboxAddresses.Zone);
        foreach (AddressPlan plan in _addresses.Plans)
        {
            HttpServer server = new(Host.Listen(new IPEndPoint(plan.Gateway, HttpPort)), page.Answer);
            _tasks.Add(server.RunAsync(_ending.Token));
        }
    }

    private void StartRelays()
    {
        SandboxDialer dialer = new(_way.Dialer, _addresses, _way.HostLoopback);
        RelayOptions relay = new() { Flows = Flows, Judge = dialer, Scheduler = _runtime.Completions };
        _tasks.Add(new Relay(Host.AcceptConnections(), dialer, relay).RunAsync(_ending.Token));
        _tasks.Add(new DatagramRelay(Host.AcceptPorts(), dialer, relay).RunAsync(_ending.Token));
    }

    private static byte[] ToBytes(Wire.MacAddress mac)
    {
        byte[] bytes = new byte[Wire.MacAddress.Size];
        mac.Write(bytes);
        return bytes;
    }
}
