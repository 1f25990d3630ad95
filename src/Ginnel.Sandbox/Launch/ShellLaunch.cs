using System.Text;
using Ginnel.Linux;
using Ginnel.Linux.Launch;
using Ginnel.Linux.Links;
using Ginnel.Sandbox.Identity;
using Ginnel.Sandbox.Resolver;

namespace Ginnel.Sandbox.Launch;

/// <summary>
/// The short way: <c>unshare</c> becomes <c>sh</c> becomes the program, so that its process id is our child's. Only shell and tools run
/// inside; the device's descriptor is taken out of the shell and configured by us.
/// </summary>
internal static class ShellLaunch
{
    private const int ChildSignal = 17;

    /// <summary>The environment of the tools, beside the values of the caller's (<see cref="EnvironmentWords"/>).</summary>
    private static readonly byte[][] ToolEnvironment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"u8.ToArray(), "LC_ALL=C"u8.ToArray()];

    /// <summary>Why this way cannot be taken here, or null. Nothing is started to find out.</summary>
    public static string? Obstacle(LaunchContext context)
    {
        if (context.Tools.MissingForShell() is { } missing) return $"{missing} is not installed";
        if (!AccessCheck.MayReadAndWrite(TunDevice.TunPath)) return $"{TunDevice.TunPath} cannot be opened";
        if (!ResolverCover.FitsShell(context.MountSteps)) return "/etc/resolv.conf is missing or a dangling link";
        if (context.Options.Command[0].AsSpan().Contains((byte)'=') && !context.Identity.DropsCapabilities)
            return "the command's name has a '=' that env(1) would take for a variable";
        if (new EnvironmentWords(context.Inherited.Environment).Obstacle is { } obstacle) return obstacle;
        if ((context.Inherited.IgnoredSignals & InheritedState.Bit(ChildSignal)) != 0)
            return "the caller ignores SIGCHLD, which shells do not hand down";
        return FreeDigits(context.Inherited).Count < 1 ? "the caller has handed down every descriptor from 3 to 9" : null;
    }

    /// <summary>What to spawn. The child's standard error is the control socket.</summary>
    public static SpawnRequest Compose(LaunchContext context, ControlSocket theirs)
    {
        IReadOnlyList<int> digits = FreeDigits(context.Inherited);
        bool hasError = context.Inherited.Descriptors.Contains(2);
        int errorDigit = hasError ? digits[0] : -1;
        // The redirection that opens the device is undone by the shell, so any digit but that one will do.
        int deviceDigit = errorDigit == 3 ? 4 : 3;
        ShellScriptInput input = new(context.Options, context.Tools, context.MountSteps, context.ResolverText,
            context.Inherited.IgnoredSignals, context.Identity.PingGroups, context.Identity.Mapping == IdentityMapping.KeptWithSubordinate,
            context.Options is { OpenLoopback: true, V6: not null } ? SelfStart.For(context.Options) : null);
        List<byte[]> words = [.. UnshareWords(context)];
        words.AddRange([Utf8(context.Tools.Shell!), Utf8("-c"), Utf8(ShellScript.Compose(input, deviceDigit, errorDigit)), Utf8("sh")]);
        EnvironmentWords environment = new(context.Inherited.Environment);
        words.AddRange(environment.Words(context.Tools.Env!));
        if (context.Identity.DropsCapabilities)
        {
            // Ambient and inheritable ones only: without the bounding set programs with file capabilities, such as ping, would not start.
            words.AddRange([Utf8(context.Tools.SetPriv!), Utf8("--inh-caps=-all"), Utf8("--ambient-caps=-all"), Utf8("--")]);
        }
        words.AddRange(context.Options.Command);
        (int, int)[] duplicates = hasError ? [(2, errorDigit), (theirs.Number, 2)] : [(theirs.Number, 2)];
        return new SpawnRequest
        {
            Path = Utf8(context.Tools.Unshare!),
            Arguments = words,
            Environment = [.. ToolEnvironment, .. environment.Variables()],
            Duplicates = duplicates,
            BlockedSignals = context.Inherited.BlockedSignals,
            DefaultSignals = ~context.Inherited.IgnoredSignals,
        };
    }

    /// <summary>The descriptor that the script opens the device on.</summary>
    public static int DeviceDigit(LaunchContext context) =>
        context.Inherited.Descriptors.Contains(2) && FreeDigits(context.Inherited)[0] == 3 ? 4 : 3;

    /// <summary>unshare and its options, up to the word that it executes.</summary>
    public static IEnumerable<byte[]> UnshareWords(LaunchContext context)
    {
        yield return Utf8(context.Tools.Unshare!);
        if (context.Identity.NeedsUserNamespace)
        {
            // The maps are ours to write. Until they are, execve by an unmapped id would lose every capability but the ambient ones.
            yield return Utf8("--user");
            yield return Utf8("--keep-caps");
        }
        yield return Utf8("--net");
        yield return Utf8("--mount");
        yield return Utf8("--");
    }

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    private static List<int> FreeDigits(InheritedState inherited) =>
        [.. Enumerable.Range(3, 7).Where(digit => !inherited.Descriptors.Contains(digit))];
}
