using System.Diagnostics;
using Ginnel.Macro.Workers;

namespace Ginnel.Macro.Peers;

/// <summary>No gateway at all: what the kernel does between two programs.</summary>
internal sealed class LoopbackPeer : Peer
{
    internal override string Name => "kernel loopback";
    internal override bool IsAvailable => true;

    protected override (string[] Prefix, string Host) Wrap() => ([], "127.0.0.1");
}

/// <summary><c>ginnel run</c> as a user runs it; the host's loopback is what the measured program reaches.</summary>
internal sealed class GinnelPeer(string root, int mtu, string which = "") : Peer
{
    internal override string Name => $"{which}ginnel {mtu}";
    internal override bool IsAvailable => File.Exists(Path.Combine(root, "ginnel"));

    protected override (string[] Prefix, string Host) Wrap() =>
        ([Path.Combine(root, "ginnel"), "run", "--host-loopback", "--mtu", $"{mtu}", "--"], "10.0.2.4");
}

/// <summary>Our stack on a link without offload, as a virtual machine of QEMU has it: frames of MTU 1500 over a Unix socket.</summary>
internal sealed class StreamPeer : Peer
{
    internal override string Name => $"ginnel, stream link {FrameBridge.Mtu}";
    internal override bool IsAvailable => Environment.IsPrivilegedProcess;

    protected override (string[] Prefix, string Host) Wrap() => ([], StreamGateway.Address);

    internal override LoadResult Run(int port, string load, params ReadOnlySpan<string> parameters)
    {
        string folder = Directory.CreateTempSubdirectory("ginnel-bench-").FullName, path = Path.Combine(folder, "frames");
        using Process gateway = Start([.. Self, "gateway", path]);
        gateway.StandardOutput.ReadLine();
        using Process client = Start([.. Self, "bridge", path, .. Self, "client", load, $"{StreamGateway.Address}:{port}", .. parameters]);
        LoadResult result = Finish(client, gateway.Id);
        gateway.StandardInput.Close();
        if (!gateway.WaitForExit(10_000)) gateway.Kill();
        Directory.Delete(folder, recursive: true);
        return result;
    }

    /// <summary>Its start is that of two programs of the benchmark, which nobody starts.</summary>
    internal override double? StartUp() => null;
}

/// <summary>slirp4netns beside a namespace that <c>unshare</c> made.</summary>
internal sealed class SlirpPeer(int mtu) : Peer
{
    internal override string Name => $"slirp4netns {mtu}";
    internal override bool IsAvailable => IsInstalled("slirp4netns");

    protected override (string[] Prefix, string Host) Wrap() => ([], "10.0.2.2");

    internal override LoadResult Run(int port, string load, params ReadOnlySpan<string> parameters)
    {
        using Process holder = Hold();
        using Process gateway = Gateway(holder);
        using Process client = Start([.. Enter(holder), .. Self, "client", load, $"10.0.2.2:{port}", .. parameters]);
        LoadResult result = Finish(client, gateway.Id);
        End(gateway, holder);
        return result;
    }

    internal override double? StartUp()
    {
        long started = Stopwatch.GetTimestamp();
        using Process holder = Hold();
        using Process gateway = Gateway(holder);
        using Process client = Start([.. Enter(holder), "/bin/true"]);
        client.WaitForExit();
        double elapsed = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        End(gateway, holder);
        return client.ExitCode == 0 ? elapsed : null;
    }

    // The holder says so when its namespaces exist, and keeps them until its input ends.
    private static Process Hold()
    {
        Process holder = Start(["unshare", "--user", "--map-root-user", "--net", "sh", "-c", "echo ready; exec cat"]);
        holder.StandardOutput.ReadLine();
        return holder;
    }

    // slirp4netns writes to the ready descriptor; its own standard output serves.
    private Process Gateway(Process holder)
    {
        Process gateway = Start(["slirp4netns", "--configure", $"--mtu={mtu}", "--ready-fd=1", $"{holder.Id}", "tap0"]);
        gateway.StandardOutput.BaseStream.ReadByte();
        return gateway;
    }

    private static string[] Enter(Process holder) => ["nsenter", "--user", "--preserve-credentials", "--net", "-t", $"{holder.Id}", "--"];

    private static void End(Process gateway, Process holder)
    {
        gateway.Kill();
        gateway.WaitForExit();
        holder.StandardInput.Close();
        holder.WaitForExit();
    }
}

/// <summary>pasta, which makes the namespace itself; <paramref name="sendBufferCap"/> mends its stall under bbr.</summary>
internal sealed class PastaPeer(int mtu, bool sendBufferCap) : Peer
{
    internal override string Name => $"pasta {mtu}{(sendBufferCap ? " (tcp_wmem capped)" : "")}";
    internal override bool IsAvailable => IsInstalled("pasta");

    protected override (string[] Prefix, string Host) Wrap()
    {
        // pasta takes a SIGPIPE that is already ignored, as it is below .NET, for a failure of its own.
        string[] pasta = ["env", "--default-signal=PIPE", "pasta", "--runas", "0:0", "--config-net", "--foreground", "--quiet", "-4", "-a", "10.0.2.15", "-n", "24", "-g", "10.0.2.2", "-m", $"{mtu}",
            "-t", "none", "-u", "none", "-T", "none", "-U", "none", "--"];
        string[] cap = ["sh", "-c", "echo '4096 16384 262144' > /proc/sys/net/ipv4/tcp_wmem; exec \"$@\"", "sh"];
        return (sendBufferCap ? [.. pasta, .. cap] : pasta, "10.0.2.2");
    }
}
