using System.Diagnostics;
using System.Globalization;

namespace Ginnel.Macro.Peers;

/// <summary>What one load yielded.</summary>
/// <param name="Values">The numbers that the client printed.</param>
/// <param name="CpuSeconds">User and system time of the gateway, its start included; 0 where there is none.</param>
/// <param name="ResidentBytes">Resident memory of the gateway at the end; 0 where there is none.</param>
internal readonly record struct LoadResult(double[] Values, double CpuSeconds, long ResidentBytes);

/// <summary>A way for a program to reach the load server: bare loopback, ginnel, slirp4netns, pasta.</summary>
internal abstract class Peer
{
    /// <summary>Name and MTU, as the table shows them.</summary>
    internal abstract string Name { get; }

    /// <summary>Whether what it needs is installed.</summary>
    internal abstract bool IsAvailable { get; }

    /// <summary>The command that runs a program behind the peer, and where it then finds the server's port.</summary>
    protected abstract (string[] Prefix, string Host) Wrap();

    /// <summary>Runs a load to its end and reads the gateway while it still stands.</summary>
    internal virtual LoadResult Run(int port, string load, params ReadOnlySpan<string> parameters)
    {
        (string[] prefix, string host) = Wrap();
        using Process process = Start([.. prefix, .. Self, "client", load, $"{host}:{port}", .. parameters]);
        return Finish(process, prefix.Length == 0 ? 0 : process.Id);
    }

    /// <summary>Runs a program of no duration, for start-up time, in milliseconds; null when it failed.</summary>
    internal virtual double? StartUp()
    {
        (string[] prefix, _) = Wrap();
        long started = Stopwatch.GetTimestamp();
        using Process process = Start([.. prefix, "/bin/true"]);
        process.StandardInput.Close();
        process.WaitForExit();
        return process.ExitCode == 0 ? Stopwatch.GetElapsedTime(started).TotalMilliseconds : null;
    }

    /// <summary>This program, as a command.</summary>
    protected static string[] Self { get; } = [Environment.ProcessPath!];

    protected static Process Start(ReadOnlySpan<string> command)
    {
        ProcessStartInfo start = new(command[0]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in command[1..]) start.ArgumentList.Add(argument);
        Process process = Process.Start(start)!;
        process.ErrorDataReceived += (_, line) => { if (Verbose && line.Data is { } text) Console.Error.WriteLine(text); };
        process.BeginErrorReadLine();
        return process;
    }

    /// <summary>Whether what the peers say on standard error is shown.</summary>
    internal static bool Verbose { get; set; }

    protected static LoadResult Finish(Process client, int gateway)
    {
        Task<string?> reading = client.StandardOutput.ReadLineAsync();
        if (!reading.Wait(TimeSpan.FromSeconds(90)) || reading.Result is not { } line || client.HasExited)
        {
            client.Kill(entireProcessTree: true);
            return new LoadResult([], 0, 0);
        }
        LoadResult result = new(
            [.. line.Split(' ').Select(value => double.Parse(value, CultureInfo.InvariantCulture))],
            gateway == 0 ? 0 : CpuSeconds(gateway),
            gateway == 0 ? 0 : ResidentBytes(gateway));
        client.StandardInput.Close();
        if (!client.WaitForExit(10_000)) client.Kill(entireProcessTree: true);
        return result;
    }

    protected static bool IsInstalled(string command) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, command)));

    // utime and stime are fields 14 and 15 of proc_pid_stat(5), in ticks of 10 ms; the name in field 2 may hold blanks.
    private static double CpuSeconds(int processId)
    {
        string stat = File.ReadAllText($"/proc/{processId}/stat");
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / 100.0;
    }

    private static long ResidentBytes(int processId)
    {
        string line = File.ReadLines($"/proc/{processId}/status").First(text => text.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.AsSpan(6, line.Length - 6 - 2).Trim(), CultureInfo.InvariantCulture) * 1024;
    }
}
