using System.Text;

namespace Ginnel.Sandbox.Launch;

/// <summary>The commands for <c>ip -batch</c> that bring the interface up with its addresses and routes.</summary>
internal static class NetworkScript
{
    public static string Compose(LaunchOptions options)
    {
        string device = options.InterfaceName;
        StringBuilder text = new("link set dev lo up\n");
        text.Append($"link set dev {device} mtu {options.Mtu}\n");
        // No link-local address of the kernel's own choice: only what the plan says is spoken on this link.
        if (options.V6 is not null || HasIpv6) text.Append($"link set dev {device} addrgenmode none\n");
        text.Append($"link set dev {device} up\n");
        if (options.V4 is { } v4)
        {
            text.Append($"addr add {v4.Guest}/{v4.Prefix.Length} dev {device}\n");
            text.Append($"route add 0.0.0.0/0 via {v4.Gateway} dev {device}\n");
        }
        if (options.V6 is { } v6)
        {
            text.Append($"addr add {v6.Guest}/{v6.Prefix.Length} dev {device} nodad\n");
            text.Append($"route add ::/0 via {v6.Gateway} dev {device}\n");
        }
        return text.ToString();
    }

    /// <summary>The kernel's switch that lets packets of this interface reach 127.0.0.0/8.</summary>
    public static string LoopbackSwitch(string device) => $"/proc/sys/net/ipv4/conf/{device}/route_localnet";

    /// <summary>Whether the kernel speaks IPv6 at all.</summary>
    public static bool HasIpv6 => Directory.Exists("/proc/sys/net/ipv6");
}
