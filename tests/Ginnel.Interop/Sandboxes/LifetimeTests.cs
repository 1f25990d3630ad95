using System.Diagnostics;
using Ginnel.Sandbox;

namespace Ginnel.Interop.Sandboxes;

/// <summary>Ends, signals and terminals: what a caller sees of a program inside is what it sees of the program bare.</summary>
public sealed class LifetimeTests
{
    private const string Terminate = "-TERM", Kill = "-KILL";

    public static TheoryData<Who, DeviceChoice> Ways => LaunchTests.Ways;

    [Theory]
    [InlineData("exit 0", 0)]
    [InlineData("exit 255", 255)]
    [InlineData("kill -TERM $$", 143)]
    [InlineData("kill -KILL $$", 137)]
    [InlineData("kill -SEGV $$", 139)]
    [InlineData("kill -PIPE $$", 141)]
    public async Task ItsEndIsTheProgramsEnd(string script, int code)
    {
        Caller.RequireRoot();
        Outcome outcome = await Caller.RunAsync(Who.Root, [.. Caller.Driver(), "sh", "-c", script]);
        Assert.Equal(code, outcome.ExitCode);
    }

    [Fact]
    public async Task ASignalThatEndsTheProgramEndsTheGateway()
    {
        Caller.RequireRoot();
        // wait tells a signal from an exit code only by the shell's word for it.
        Outcome outcome = await Caller.RunAsync(Who.Root, ["bash", "-c", "\"$@\"; true", "bash", .. Caller.Driver(), "sh", "-c", "kill -SEGV $$"]);
        Assert.Contains("Segmentation fault", outcome.Errors);
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("HUP")]
    [InlineData("INT")]
    [InlineData("USR1")]
    public async Task SignalsToTheGatewayReachTheProgram(string signal)
    {
        Caller.RequireRoot();
        // A session without a terminal: nobody but us sends SIGINT there.
        using Process process = Caller.Start(Who.Root, ["setsid", "-w", .. Caller.Driver(), "sh", "-c", $"trap 'echo got; exit 5' {signal}; echo $PPID; while :; do sleep 0.05; done"]);
        string gateway = (await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken))!;
        await Caller.RunAsync(Who.Root, "kill", "-" + signal, gateway);
        Outcome outcome = await Caller.FinishAsync(process);
        Assert.Equal(new Outcome(5, "got\n", ""), outcome);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task WhenTheGatewayIsKilledTheDeviceIsGoneAndTheProgramLives(Who who, DeviceChoice way)
    {
        Caller.RequireRoot();
        // The program itself looks: every tenth of a second, for at most a minute, until there is no device any more.
        const string Watch = "echo $PPID; ip -o link show ginnel0 >/dev/null && echo there; for i in $(seq 600); do ip -o link show ginnel0 >/dev/null 2>&1 || { echo gone; ip -o route; exit; }; sleep 0.1; done; echo still there";
        using Process process = Caller.Start(who, [.. Caller.Driver(way), "sh", "-c", Watch]);
        string gateway = (await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken))!;
        Assert.Equal("there", await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
        await Caller.RunAsync(Who.Root, "kill", Kill, gateway);
        Outcome outcome = await Caller.FinishAsync(process);
        Assert.Equal("gone\n", outcome.Output); // and no route left
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task WhatTheGatewayLeavesBehindIsNothing(Who who, DeviceChoice way)
    {
        Caller.RequireRoot();
        string[] before = Traces();
        using Process process = Caller.Start(who, [.. Caller.Driver(way), "sh", "-c", "echo $$; exec sleep 20"]);
        string program = (await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken))!;
        // The program's end ends the gateway.
        await Caller.RunAsync(Who.Root, "kill", Terminate, program);
        Outcome outcome = await Caller.FinishAsync(process);
        Assert.Equal(143, outcome.ExitCode);
        Assert.Equal(before, Traces());
    }

    [Fact]
    public async Task AnInterruptFromTheKeyboardArrivesOnce()
    {
        Caller.RequireRoot();
        // It waits for the first, however late, and then for as long as a second would take.
        const string Count = "sh -c 'n=0; trap \"n=\\$((n+1))\" INT; echo ready; while [ $n = 0 ]; do sleep 0.1; done; for i in 1 2 3 4 5; do sleep 0.1; done; echo interrupts $n'";
        using Process process = Caller.Start(Who.Root, "script", "-qec", $"{string.Join(' ', Caller.Driver())} {Count}", "/dev/null");
        await ReadUntil(process, "ready\r");
        process.StandardInput.Write("\u0003");
        await ReadUntil(process, "interrupts 1");
        process.StandardInput.Close();
        await Caller.FinishAsync(process);
    }

    [Fact]
    public async Task AProgramThatIsStoppedFromTheKeyboardIsAStoppedJob()
    {
        Caller.RequireRoot();
        string driver = string.Join(' ', Caller.Driver());
        // One process: a shell that is stopped between vfork and exec would be no stopped job, bare or not.
        const string Job = "sh -c 'echo ready; exec head -n1'";
        // An interactive shell starts it, is told of the stop with the code that it has bare, and brings it back.
        using Process process = Caller.Start(Who.Root, "script", "-qec", "bash --norc --noprofile -i", "/dev/null");
        process.StandardInput.Write($"set +o history; PS1=; {driver} {Job}; echo \"stopped with $?\"\n");
        await ReadUntil(process, "ready\r");
        process.StandardInput.Write("\u001a");
        await ReadUntil(process, "stopped with 148");
        process.StandardInput.Write("fg; echo \"back with $?\"; exit\nfinish\n");
        await ReadUntil(process, "back with 0"); // it read its line
        process.StandardInput.Close();
        await Caller.FinishAsync(process);
    }

    private static async Task<string> ReadUntil(Process process, string end)
    {
        System.Text.StringBuilder text = new();
        char[] one = new char[1];
        while (!text.ToString().Contains(end, StringComparison.Ordinal))
        {
            if (await process.StandardOutput.ReadAsync(one, TestContext.Current.CancellationToken) == 0) throw new InvalidOperationException($"'{end}' did not come: {text}");
            text.Append(one[0]);
        }
        return text.ToString();
    }

    /// <summary>Files that a launch could have forgotten.</summary>
    private static string[] Traces() =>
        [.. Directory.GetFileSystemEntries("/tmp").Concat(Directory.GetFileSystemEntries("/run")).Where(path => path.Contains("resolv", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
}
