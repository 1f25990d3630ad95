using System.Globalization;
using System.Text;
using Ginnel.Linux.Launch;
using Ginnel.Linux.Links;

namespace Ginnel.Sandbox.Launch;

/// <summary>
/// The long way: <c>unshare</c> becomes this program again with a hidden verb, which makes device, addresses and mounts with system calls
/// and then becomes the program. Needs nothing but unshare, and can do without TUN; it costs the start of a second .NET process.
/// </summary>
internal static class VerbLaunch
{
    /// <summary>
    /// Kept out of /tmp: sockets for debuggers that an execve would leave behind. Stands first and is dropped by the verb.
    /// </summary>
    private static readonly byte[] NoDiagnostics = Encoding.UTF8.GetBytes(SelfStart.NoDiagnostics + "=0");

    /// <summary>What to spawn.</summary>
    /// <param name="context">What is known.</param>
    /// <param name="theirs">The child's end of the control socket.</param>
    /// <param name="childNumber">The number that it has in the child: one that the caller does not use.</param>
    public static SpawnRequest Compose(LaunchContext context, ControlSocket theirs, int childNumber)
    {
        List<byte[]> words = [.. ShellLaunch.UnshareWords(context)];
        foreach (string word in SelfStart.For(context.Options).Words) words.Add(Encoding.UTF8.GetBytes(word));
        words.Add(Encoding.UTF8.GetBytes(NamespaceVerb.Word));
        words.Add(Encoding.UTF8.GetBytes(childNumber.ToString(CultureInfo.InvariantCulture)));
        words.AddRange(context.Options.Command);
        return new SpawnRequest
        {
            Path = Encoding.UTF8.GetBytes(context.Tools.Unshare!),
            Arguments = words,
            Environment = [NoDiagnostics, .. context.Inherited.Environment],
            Duplicates = [(theirs.Number, childNumber)],
            BlockedSignals = context.Inherited.BlockedSignals,
            DefaultSignals = ~context.Inherited.IgnoredSignals,
        };
    }

    /// <summary>What the verb is to do.</summary>
    public static LaunchSheet Sheet(LaunchContext context, bool usesTun) => new()
    {
        UsesTun = usesTun,
        OpensLoopback = context.Options.OpenLoopback,
        InterfaceName = context.Options.InterfaceName,
        Mtu = context.Options.Mtu,
        DropsCapabilities = context.Identity.DropsCapabilities,
        IgnoredSignals = context.Inherited.IgnoredSignals,
        BlockedSignals = context.Inherited.BlockedSignals,
        PingFirst = context.Identity.PingGroups.First,
        PingLast = context.Identity.PingGroups.Last,
        ResolverText = context.ResolverText,
        Steps = context.MountSteps,
        V4 = context.Options.V4,
        V6 = context.Options.V6,
    };

    /// <summary>Whether TUN can be had inside.</summary>
    public static bool CanUseTun => AccessCheck.MayReadAndWrite(TunDevice.TunPath);
}
