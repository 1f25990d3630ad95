using System.Net;

namespace Ginnel;

/// <summary>
/// Virtual network interfaces: an entrance in one process, an exit in another, any link between them. Programs at the entrance reach what the
/// exit exposes, by address and by the names that the exit's resolver knows; neither side needs privileges.
/// </summary>
/// <example>
/// <code>
/// await using EntranceInterface entrance = VirtualInterface.Entrance(new StreamLink(stream));
/// using HttpClient client = new(entrance.CreateHandler());
/// string page = await client.GetStringAsync("http://10.1.2.3/");
/// </code>
/// </example>
public static class VirtualInterface
{
    /// <summary>The entrance's own address, fixed: every entrance has a host of its own at the exit, so nothing conflicts.</summary>
    public static IPAddress EntranceAddress { get; } = IPAddress.Parse("100.127.255.255");

    /// <summary>The exit's own address, where its DNS answers.</summary>
    public static IPAddress ExitAddress { get; } = IPAddress.Parse("100.127.255.254");

    /// <summary>The entrance's own IPv6 address.</summary>
    public static IPAddress EntranceAddressV6 { get; } = IPAddress.Parse("fd67:696e:6e65:6c::1");

    /// <summary>The exit's own IPv6 address.</summary>
    public static IPAddress ExitAddressV6 { get; } = IPAddress.Parse("fd67:696e:6e65:6c::2");

    /// <summary>
    /// Stands for the exit host's 127.0.0.1, which has no address that a network could route to; answered only where that is exposed.
    /// </summary>
    public static IPAddress ExitLoopbackAddress { get; } = IPAddress.Parse("100.127.255.253");

    /// <summary>Stands for the exit host's <c>::1</c>.</summary>
    public static IPAddress ExitLoopbackAddressV6 { get; } = IPAddress.Parse("fd67:696e:6e65:6c::3");

    /// <summary>The name of the two, known to the exit's DNS where its loopback is exposed.</summary>
    public const string ExitLoopbackName = "exit.ginnel.internal";

    /// <summary>Opens an entrance over a link to an exit; the entrance owns the link.</summary>
    public static EntranceInterface Entrance(ILink link, EntranceOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(link);
        return new EntranceInterface(link, options ?? new EntranceOptions());
    }

    /// <summary>Makes an exit; links to entrances are added with <see cref="ExitInterface.Add"/>.</summary>
    public static ExitInterface Exit(ExitOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new ExitInterface(options);
    }

    internal static readonly IPNetwork AllV4 = IPNetwork.Parse("0.0.0.0/0");
    internal static readonly IPNetwork AllV6 = IPNetwork.Parse("::/0");
}
