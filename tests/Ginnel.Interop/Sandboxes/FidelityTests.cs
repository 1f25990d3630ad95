using Ginnel.Sandbox;

namespace Ginnel.Interop.Sandboxes;

/// <summary>A program inside sees what it would see bare: each test runs the same words twice and compares.</summary>
public sealed class FidelityTests
{
    public static TheoryData<Who, DeviceChoice> Ways => new()
    {
        { Who.Root, DeviceChoice.DirectTun },
        { Who.Root, DeviceChoice.ShellTun },
        { Who.Root, DeviceChoice.VerbPacket },
        { Who.UserWithTun, DeviceChoice.ShellTun },
        { Who.UserWithoutTun, DeviceChoice.VerbPacket },
    };


    [Theory]
    [MemberData(nameof(Ways))]
    public async Task TheEnvironmentIsTheCallers(Who who, DeviceChoice way)
    {
        // Odd names, an exported function, variables that shells set, a value with a line break, an empty one, bytes that are no UTF-8.
        const string Given = "exec env -i PATH=$PATH a.b=1 'BASH_FUNC_f%%=() { echo  hi; }' _=x PWD=/nowhere SHLVL=7 OLDPWD=/y -x=1 E= IFS=x OPTIND=a PPID=9 g0=z \"q'\\\\r=\\$x\" \"N=a\nb\" \"B=$(printf '\\377\\201')\" LC_ALL=C LANG=de \"$@\"";
        await SameAsBare(who, way, Given, "cat", "/proc/self/environ");
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task ArgumentsArriveByteForByte(Who who, DeviceChoice way)
    {
        string bytes = string.Concat(Enumerable.Range(1, 255).Select(value => "\\" + Convert.ToString(value, 8).PadLeft(3, '0')));
        string given = $"exec \"$@\" \"$(printf '{bytes}')\" '' -v --help -- @file '*' '$HOME' ' a  b '";
        await SameAsBare(who, way, given, "sh", "-c", "for word; do printf '%s\\n' \"$word\" | od -c; done", "x");
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task FolderMaskAndLimitsAreTheCallers(Who who, DeviceChoice way)
    {
        const string Given = "cd /var/tmp; umask 027; ulimit -S -n 345; exec \"$@\"";
        string text = await SameAsBare(who, way, Given, "sh", "-c", "pwd; umask; ulimit -a; ulimit -n; ulimit -Hn; ps -o pgid=,sid= -p $$");
        Assert.Contains("345", text);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task DescriptorsAreTheCallersAndNoOthers(Who who, DeviceChoice way)
    {
        const string Given = "exec 3</dev/null 4>/dev/zero 9</etc/passwd; exec \"$@\"";
        string text = await SameAsBare(who, way, Given, "sh", "-c", "for n in /proc/$$/fd/*; do printf '%s ' \"${n##*/}\"; case ${n##*/} in [0-2]|10) echo;; *) readlink \"$n\";; esac; done");
        Assert.Contains("9 /etc/passwd", text);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task AllDigitsInUseAreHandedDownAsWell(Who who, DeviceChoice way)
    {
        const string Given = "exec 3</dev/null 4<&3 5<&3 6<&3 7<&3 8<&3 9<&3; exec \"$@\"";
        // The short way has no digit left for itself: whoever lets us choose gets the long one.
        DeviceChoice taken = way == DeviceChoice.ShellTun ? DeviceChoice.Automatic : way;
        await SameAsBare(who, taken, Given, "sh", "-c", "cd /proc/$$/fd && echo *");
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task AClosedStandardErrorStaysClosed(Who who, DeviceChoice way) =>
        await SameAsBare(who, way, "exec \"$@\" 2>&-", "sh", "-c", "cd /proc/$$/fd && echo *");

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task SignalsAreTheCallers(Who who, DeviceChoice way)
    {
        foreach (string ignored in (string[])["", "trap '' PIPE; ", "trap '' HUP INT USR1; "])
        {
            await SameAsBare(who, way, ignored + "exec \"$@\"", "grep", "-E", "^Sig(Blk|Ign|Cgt)", "/proc/self/status");
        }
    }

    /// <summary>Runs the words bare and inside, each behind the same preparation, and returns what both printed.</summary>
    /// <param name="who">Who starts it.</param>
    /// <param name="way">How the sandbox is launched.</param>
    /// <param name="preparation">A script for sh that ends by executing its arguments.</param>
    /// <param name="words">What to run.</param>
    private static async Task<string> SameAsBare(Who who, DeviceChoice way, string preparation, params string[] words)
    {
        Caller.RequireRoot();
        // As ./ginnel does it, after the caller's preparation: reads what the runtime will change, and hands it on.
        string[] launcher = ["bash", "-p", "-c", Launcher, "bash", .. Caller.Driver(way)];
        Outcome bare = await Caller.RunAsync(who, ["sh", "-c", preparation, "sh", .. words]);
        Outcome inside = await Caller.RunAsync(who, ["sh", "-c", preparation, "sh", .. launcher, .. words]);
        Assert.Equal(bare, inside);
        Assert.NotEqual("", bare.Output);
        return bare.Output;
    }

    private const string Launcher = """
        while read -r field ignored; do [[ $field == SigIgn: ]] && break; done </proc/self/status
        while read -r _ what _ limit _; do [[ $what == open ]] && break; done </proc/self/limits
        mapfile -d '' -t environment </proc/self/environ
        exec -c /usr/bin/env -- "${environment[@]}" "${@:1:2}" "--caller=$ignored:$limit" "${@:3}"
        """;
}
