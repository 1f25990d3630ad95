using System.Text;
using Ginnel.Linux.Launch;
using Ginnel.Linux.Links;
using Ginnel.Sandbox.Resolver;

namespace Ginnel.Sandbox.Launch;

/// <summary>
/// The script that sh runs inside the namespaces before it becomes the program. Its standard error is the control socket, on which it
/// asks and reports; the program's own standard error waits on a digit that the caller does not use. What a child may inherit is
/// never touched otherwise: redirections stand on groups and are undone by the shell.
/// </summary>
internal static class ShellScript
{
    /// <summary>A line on the control socket that asks us to do our part and answer with a line.</summary>
    public const string MapsRequest = "@maps", DeviceRequest = "@device", LoopbackRequest = "@loopback", ReadyRequest = "@ready", FailedReport = "@failed";

    /// <summary>Exit codes by which a failed step is known.</summary>
    public const int NoAnswer = 201, NoDevice = 202, NoCover = 203, NoNetwork = 204;

    /// <summary>Writes the script. The words to execute are its positional parameters.</summary>
    /// <param name="input">What it is written from.</param>
    /// <param name="deviceDigit">The descriptor that holds /dev/net/tun while we take it.</param>
    /// <param name="errorDigit">Where the program's standard error waits, or -1 if the caller has closed it.</param>
    public static string Compose(ShellScriptInput input, int deviceDigit, int errorDigit)
    {
        StringBuilder text = new();
        text.Append($"ask() {{ echo \"$1\" >&2 && read -r reply <&2 || exit {NoAnswer}; }}\n");
        text.Append($"ask {MapsRequest}\n");
        text.Append($"{{ ask {DeviceRequest}; }} {deviceDigit}<>{TunDevice.TunPath} || exit {NoDevice}\n");
        text.Append(AsRoot(input));
        foreach (MountStep step in input.Steps) text.Append(Command(step, input)).Append($" || exit {NoCover}\n");
        text.Append($"{input.Tools.Ip} -batch - <<'END' || exit {NoNetwork}\n{NetworkScript.Compose(input.Options)}END\n");
        // Not vital, and refused where /proc/sys is read-only.
        text.Append($"{{ echo {input.PingGroups.First} {input.PingGroups.Last} >/proc/sys/net/ipv4/ping_group_range; }} 2>/dev/null\n");
        if (input.Options.OpenLoopback)
            text.Append($"{{ echo 1 >{NetworkScript.LoopbackSwitch(input.Options.InterfaceName)}; }} 2>/dev/null\n");
        if (input.Self is { } self) text.Append(OpenLoopbackV6(self));
        text.Append($"ask {ReadyRequest}\n");
        text.Append(Traps(input.IgnoredSignals));
        text.Append(errorDigit >= 0 ? $"exec \"$@\" 2>&{errorDigit} {errorDigit}>&-\n" : "exec \"$@\" 2>&-\n");
        return text.ToString();
    }

    private static string Command(MountStep step, ShellScriptInput input) => step.Action switch
    {
        MountAction.Empty => $"$root {input.Tools.Mount} -n -t tmpfs -o mode=0755,size=256k ginnel {Quote(step.Target)}",
        // Whatever the caller's umask is: users other than the caller read the file too.
        MountAction.MakeFolder => $"(umask 022; mkdir -p {Quote(step.Target)})",
        MountAction.WriteText => $"(umask 022; printf %s {Quote(input.ResolverText)} >{Quote(step.Target)})",
        MountAction.Bind => $"$root {input.Tools.Mount} -n --bind {Quote(step.Source)} {Quote(step.Target)}",
        MountAction.Unmount => $"$root {input.Tools.Unmount} -n {Quote(step.Target)}",
        _ => throw new ArgumentOutOfRangeException(nameof(step), step.Action, "Not a step for the shell."),
    };

    /// <summary>
    /// mount(8) refuses to work for a user who could become root but is not, which is what a mapped 0 and CAP_SETUID amount to. Whether 0
    /// is mapped is known only now: newuidmap may have refused.
    /// </summary>
    private static string AsRoot(ShellScriptInput input) => input.MountsAsRoot
        ? $"root='{input.Tools.SetPriv} --reuid 0'; $root true 2>/dev/null || root=\n"
        : "root=\n";

    /// <summary>
    /// Our own executable asks by the control socket, which is its standard error here. Its own trouble ends on the transcript, and only the
    /// way to ::1 is missing then.
    /// </summary>
    private static string OpenLoopbackV6(SelfStart self) =>
        $"{string.Join(' ', self.Variables.Select(variable => $"{variable.Name}={Quote(variable.Value)}"))} {string.Join(' ', self.Words.Select(Quote))} {NamespaceVerb.Word} {LoopbackVerb.Word} 2 </dev/null >/dev/null\n";

    /// <summary>A signal that is ignored stays so through execve: the one way by which a shell can hand that down.</summary>
    private static string Traps(ulong ignored)
    {
        StringBuilder text = new();
        for (int signal = 1; signal <= 64; signal++)
        {
            if ((ignored & InheritedState.Bit(signal)) != 0 && signal is not (9 or 19 or 32 or 33)) text.Append(' ').Append(signal);
        }
        return text.Length == 0 ? "" : $"trap ''{text}\n";
    }

    private static string Quote(string text) => "'" + text.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
}

/// <summary>What the script is written from.</summary>
internal sealed record ShellScriptInput(
    LaunchOptions Options, SystemTools Tools, IReadOnlyList<MountStep> Steps, string ResolverText, ulong IgnoredSignals,
    (uint First, uint Last) PingGroups, bool MountsAsRoot, SelfStart? Self);
