namespace Ginnel.Sandbox;

/// <summary>What to run in a sandbox, and with which network.</summary>
public sealed class LaunchOptions
{
    /// <summary>The smallest MTU that IPv4 allows (RFC 791).</summary>
    public const int SmallestMtu = 68;

    /// <summary>The greatest MTU of a TUN device.</summary>
    public const int GreatestMtu = 65520;

    /// <summary>The smallest MTU that IPv6 allows (RFC 8200 section 5); below it the sandbox has no IPv6.</summary>
    public const int SmallestMtuV6 = 1280;

    /// <summary>The program and its arguments, byte for byte. The program is searched in PATH if it has no slash.</summary>
    public required IReadOnlyList<byte[]> Command { get; init; }

    /// <summary>IPv4 inside; null for none.</summary>
    public AddressPlan? V4 { get; init; } = AddressPlan.DefaultV4;

    /// <summary>IPv6 inside; null for none.</summary>
    public AddressPlan? V6 { get; init; } = AddressPlan.DefaultV6;

    /// <summary>Bytes of the largest IP packet towards the program, <see cref="SmallestMtu"/> to <see cref="GreatestMtu"/>.</summary>
    public int Mtu { get; init; } = 1500;

    /// <summary>The interface's name inside, at most 15 ASCII characters.</summary>
    public string InterfaceName { get; init; } = "ginnel0";

    /// <summary>Whether an ordinary user is uid 0 inside. Without it the uid is kept.</summary>
    public bool AsRoot { get; init; }

    /// <summary>
    /// The text that covers /etc/resolv.conf; null writes the name servers of the plans and keeps the host's search list.
    /// </summary>
    public string? ResolverConfiguration { get; init; }

    /// <summary>Which device leads out. <see cref="DeviceChoice.Automatic"/> takes TUN and falls back to a veth pair.</summary>
    public DeviceChoice Device { get; init; }

    /// <summary>
    /// How this program starts itself anew with its hidden verb, needed where the short way is not to be had:
    /// the words that precede the verb. Null: the path of the running executable.
    /// </summary>
    public IReadOnlyList<string>? SelfCommand { get; init; }

    /// <summary>Whether the gateway may reach the program's loopback, IPv4 and as far as it can be had IPv6, for published ports whose servers listen only there.</summary>
    public bool OpenLoopback { get; init; }

    /// <summary>What a launcher script saw of the caller before the .NET runtime started.</summary>
    public CallerRecord Caller { get; init; }

    /// <summary>How long the launch may take before it fails. Not the program's running time.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(20);

    internal LaunchOptions WithoutV6() => new()
    {
        Command = Command, V4 = V4, V6 = null, Mtu = Mtu, InterfaceName = InterfaceName, AsRoot = AsRoot,
        ResolverConfiguration = ResolverConfiguration,
        Device = Device, SelfCommand = SelfCommand, Caller = Caller, OpenLoopback = OpenLoopback, Timeout = Timeout,
    };
}

/// <summary>Which device leads out of a sandbox, and how it is made.</summary>
public enum DeviceChoice
{
    /// <summary>The quickest that this machine allows.</summary>
    Automatic,
    /// <summary>TUN, made by a thread of this process that leaves for the namespaces. Root only.</summary>
    DirectTun,
    /// <summary>A veth pair read through AF_PACKET, made by a thread of this process that leaves for the namespaces. Root only.</summary>
    DirectPacket,
    /// <summary>TUN, taken out with pidfd_getfd; unshare, sh, mount and ip do the rest. Fails where it is not to be had.</summary>
    ShellTun,
    /// <summary>TUN, made by a second Ginnel process inside. Fails where it is not to be had.</summary>
    VerbTun,
    /// <summary>A veth pair read through AF_PACKET, made by a second Ginnel process inside.</summary>
    VerbPacket,
}
