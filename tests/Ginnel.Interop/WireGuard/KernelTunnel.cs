using System.Globalization;
using Ginnel.Interop.Guests;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.WireGuard;

/// <summary>What is not ordinary about a tunnel between the guest's kernel and us.</summary>
/// <param name="TheyBegin">The kernel knows where we are, and we do not know where it is; else the other way round.</param>
/// <param name="OutsideV6">Whether the outside is IPv6.</param>
/// <param name="HasPresharedKey">Whether there is a preshared key.</param>
/// <param name="Mtu">Inside, of both ends.</param>
/// <param name="Portable">Whether we use the base library's sockets.</param>
/// <param name="Scale">How many times as fast our protocol's clock runs.</param>
/// <param name="OurKeepalive">Our persistent keepalive, in seconds; 0 for none.</param>
/// <param name="TheirKeepalive">The kernel's.</param>
/// <param name="BothKnow">Each knows where the other is.</param>
internal sealed record KernelTunnelOptions(
    bool TheyBegin = false, bool OutsideV6 = false, bool HasPresharedKey = false, int Mtu = 1_420, bool Portable = false, int Scale = 1, int OurKeepalive = 0,
    int TheirKeepalive = 0, bool BothKnow = false);

/// <summary>A WireGuard interface of the guest's kernel with one peer, us, and our end of it.</summary>
internal sealed class KernelTunnel : IAsyncDisposable
{
    private static int s_next;
    private readonly Guest _guest;

    private KernelTunnel(Guest guest, int number) => (_guest, Number) = (guest, number);

    public int Number { get; }

    public EndProcess End { get; private set; } = null!;

    /// <summary>The kernel's interface.</summary>
    public string Name => Text($"wg{Number}");

    /// <summary>Our port outside; the kernel's is 1,000 higher.</summary>
    public int Port => 52_000 + Number;

    public string OurV4 => Text($"10.79.{Number}.1");
    public string OurV6 => Text($"fd79:{Number}::1");
    public string TheirV4 => Text($"10.79.{Number}.2");
    public string TheirV6 => Text($"fd79:{Number}::2");

    /// <summary>Our private key, the kernel's public one, and one that both have if the options say so.</summary>
    public (string OurPrivate, string TheirPublic, string Preshared) Keys { get; private set; }

    /// <summary>Makes a tunnel with our end.</summary>
    public static async Task<KernelTunnel> StartAsync(GuestNetwork network, KernelTunnelOptions options)
    {
        KernelTunnel tunnel = new(network.Guest, Interlocked.Increment(ref s_next));
        await tunnel.ConfigureAsync(options);
        try
        {
            // What begins comes last: a message to nobody is sent again only after five seconds.
            if (!options.TheyBegin) await tunnel.UpAsync();
            tunnel.End = await tunnel.StartEndAsync(network, options, tunnel.Port);
            if (options.TheyBegin) await tunnel.UpAsync();
            return tunnel;
        }
        catch
        {
            await tunnel.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts another of our ends with the same key, at another port.</summary>
    public Task<EndProcess> StartEndAsync(GuestNetwork network, KernelTunnelOptions options, int port)
    {
        string their = options.OutsideV6 ? $"[{GuestNetwork.GuestAddressV6}]" : GuestNetwork.GuestAddress;
        return EndProcess.StartAsync(network.Enter, Keys.OurPrivate, Keys.TheirPublic, options.HasPresharedKey ? Keys.Preshared : "-",
            Text($"{(options.Portable ? "0" : "")}{port}"), options.TheyBegin && !options.BothKnow ? "-" : Text($"{their}:{Port + 1_000}"),
            Text($"{options.Mtu}"), $"{OurV4}/24,{OurV6}/64", Text($"scale={options.Scale}"), Text($"keepalive={options.OurKeepalive}"));
    }

    /// <summary>Makes the kernel's end alone, with an endpoint for us if <see cref="KernelTunnelOptions.TheyBegin"/>.</summary>
    public static async Task<KernelTunnel> StartTheirsAsync(GuestNetwork network, KernelTunnelOptions options)
    {
        KernelTunnel tunnel = new(network.Guest, Interlocked.Increment(ref s_next));
        await tunnel.ConfigureAsync(options);
        await tunnel.UpAsync();
        return tunnel;
    }

    /// <summary>A field of the kernel's about us, as <c>wg show</c> has it.</summary>
    public async Task<string> ShowAsync(string field) => (await _guest.DoAsync($"wg show {Name} {field}")).Trim().Split('\t', 2)[1];

    public async ValueTask DisposeAsync()
    {
        if (End is not null) await End.DisposeAsync();
        await _guest.RunAsync($"ip link del {Name}");
    }

    private Task<string> UpAsync() => _guest.DoAsync($"ip link set {Name} up");

    private async Task ConfigureAsync(KernelTunnelOptions options)
    {
        string[] keys = (await Caller.RunAsync(Who.Root, "sh", "-c", "for i in 1 2; do k=$(wg genkey); echo $k; echo $k | wg pubkey; done; wg genpsk")).Output.Split('\n');
        Keys = (keys[0], keys[3], keys[4]);
        string our = options.OutsideV6 ? $"[{GuestNetwork.OurAddressV6}]" : GuestNetwork.OurAddress;
        await _guest.DoAsync(Text($"""
            ip link add {Name} type wireguard
            echo {keys[2]} >/tmp/private
            echo {keys[4]} >/tmp/preshared
            wg set {Name} listen-port {Port + 1_000} private-key /tmp/private peer {keys[1]} preshared-key {(options.HasPresharedKey ? "/tmp/preshared" : "/dev/null")} \
              allowed-ips {OurV4}/32,{OurV6}/128 persistent-keepalive {options.TheirKeepalive} {(options.TheyBegin || options.BothKnow ? Text($"endpoint {our}:{Port}") : "")}
            ip addr add {TheirV4}/24 dev {Name}
            ip addr add {TheirV6}/64 dev {Name} nodad
            ip link set {Name} mtu {options.Mtu}
            """));
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
