using System.Diagnostics;
using Ginnel.Sandbox;

namespace Ginnel.Interop.Sandboxes;

/// <summary>Who starts the gateway.</summary>
public enum Who
{
    /// <summary>root, in the tests' own namespaces.</summary>
    Root,
    /// <summary>An ordinary user who may open /dev/net/tun, as distributions have it.</summary>
    UserWithTun,
    /// <summary>An ordinary user who may not.</summary>
    UserWithoutTun,
}

/// <summary>What a process printed and how it ended.</summary>
internal sealed record Outcome(int ExitCode, string Output, string Errors);

/// <summary>Starts commands, bare or through the driver, as root or as an ordinary user, bounded in time.</summary>
internal static class Caller
{
    public const int UserId = 54321;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(150);

    /// <summary>The executable of these tests.</summary>
    public static string Self => Path.Combine(AppContext.BaseDirectory, "Ginnel.Interop");

    /// <summary>Skips the test where it cannot be set up: it changes user and makes device nodes, in namespaces of its own.</summary>
    public static void RequireRoot() => Assert.SkipUnless(Environment.UserName == "root" && Environment.IsPrivilegedProcess, "needs root to change user and mount in namespaces of its own");

    /// <summary>The words that start the driver.</summary>
    public static string[] Driver(params string[] options) => [Self, SandboxDriver.Word, .. options, "--"];

    public static string[] Driver(DeviceChoice way, params string[] options) => Driver(["--device", way.ToString(), .. options]);

    /// <summary>Runs a command as somebody and waits for its end.</summary>
    public static Task<Outcome> RunAsync(Who who, params string[] words) => RunAsync(who, words, []);

    /// <summary>Likewise, with words of root's before it becomes somebody.</summary>
    public static async Task<Outcome> RunAsync(Who who, string[] words, string[] before, TimeSpan? patience = null)
    {
        using Process process = Start(who, words, before);
        process.StandardInput.Close();
        return await FinishAsync(process, patience);
    }

    /// <summary>Starts a command as somebody; its standard streams are pipes.</summary>
    public static Process Start(Who who, params string[] words) => Start(who, words, []);

    /// <summary>Likewise, with words of root's before it becomes somebody.</summary>
    public static Process Start(Who who, string[] words, string[] before)
    {
        string[] all = [.. before, "/bin/sh", .. Prefix(who), .. words];
        ProcessStartInfo start = new() { FileName = all[0], RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string word in all.Skip(1)) start.ArgumentList.Add(word);
        return Process.Start(start)!;
    }

    public static async Task<Outcome> FinishAsync(Process process, TimeSpan? patience = null)
    {
        using CancellationTokenSource limit = new(patience ?? Patience);
        Task<string> output = process.StandardOutput.ReadToEndAsync(limit.Token), errors = process.StandardError.ReadToEndAsync(limit.Token);
        try
        {
            await process.WaitForExitAsync(limit.Token);
            return new Outcome(process.ExitCode, await output, await errors);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    /// <summary>Runs words where /etc and /run are copies that a script has changed, in a mount namespace of the test's own.</summary>
    public static Task<Outcome> OnHostAsync(Who who, string script, string[] words)
    {
        const string Prepare = """
            set -e
            mount -t tmpfs -o mode=0755 none /mnt
            cp -a /etc /mnt/etc; mkdir /mnt/run
            rm -f /mnt/etc/resolv.conf
            mount --bind /mnt/run /run; mount --bind /mnt/etc /etc
            umount -l /mnt
            """;
        return RunAsync(Who.Root, ["unshare", "--mount", "sh", "-c", $"{Prepare}\n{{ {script}; }} || exit 99\nshift\nexec \"$@\"", "sh", "x", .. As(who), .. words]);
    }

    /// <summary>The words that make those behind them run as somebody.</summary>
    /// <remarks>
    /// sh -c SCRIPT sh …: the script ends in exec "$@", so that the process is the command's. A private mount namespace holds what belongs to
    /// the test: a device node that everybody may open.
    /// </remarks>
    public static string[] As(Who who) => ["/bin/sh", .. Prefix(who)];

    private static string[] Prefix(Who who)
    {
        const string BecomeUser = "exec setpriv --reuid 54321 --regid 54321 --clear-groups --inh-caps=-all -- \"$@\"";
        // Whatever the machine's own node allows, which differs.
        const string MakeTun = "mount -t tmpfs none /dev/net && mknod /dev/net/tun c 10 200 && chmod ";
        string Enter(string mode) => $"exec unshare --mount -- sh -c '{MakeTun}{mode} /dev/net/tun && {BecomeUser}' sh \"$@\"";
        return who switch
        {
            Who.Root => ["-c", "exec \"$@\"", "sh"],
            Who.UserWithTun => ["-c", Enter("0666"), "sh"],
            Who.UserWithoutTun => ["-c", Enter("0600"), "sh"],
            _ => throw new ArgumentOutOfRangeException(nameof(who)),
        };
    }
}
