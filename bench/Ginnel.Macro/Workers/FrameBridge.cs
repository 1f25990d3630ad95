using System.Net.Sockets;
using System.Text;
using Ginnel.Netstack;
using Ginnel.Sandbox;
using Ginnel.Wire;

namespace Ginnel.Macro.Workers;

/// <summary>
/// Stands for a virtual machine on QEMU's stream netdev: a kernel in a namespace whose Ethernet frames, none longer than 1,514 bytes, go over a
/// Unix socket behind 32 bits of length. Like a network card with segmentation offload it cuts and joins what its kernel sends and receives.
/// </summary>
internal static class FrameBridge
{
    internal const int Mtu = 1500;

    /// <summary>Runs a command behind the bridge; its exit code.</summary>
    internal static async Task<int> RunAsync(string path, string[] command)
    {
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path)).ConfigureAwait(false);
        LaunchOptions launch = new()
        {
            Command = [.. command.Select(Encoding.UTF8.GetBytes)],
            Device = Environment.IsPrivilegedProcess ? DeviceChoice.DirectPacket : DeviceChoice.VerbPacket,
            V6 = null,
            Mtu = Mtu,
        };
        await using SandboxProcess process = await SandboxProcess.StartAsync(launch).ConfigureAwait(false);
        await using StreamLink wire = new(new NetworkStream(socket), new StreamLinkOptions { Medium = LinkMedium.Ethernet, Mtu = Mtu });
        PacketPool pool = new();
        Splice toWire = new(wire, pool), toKernel = new(process.Link, pool);
        (toWire.Opposite, toKernel.Opposite) = (toKernel, toWire);
        using CancellationTokenSource stop = new();
        Task running = Task.WhenAll(process.Link.RunAsync(toWire, stop.Token), wire.RunAsync(toKernel, stop.Token));
        process.Release();
        ExitStatus status = await process.Exited.ConfigureAwait(false);
        await stop.CancelAsync().ConfigureAwait(false);
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return status.ShellCode;
    }

    /// <summary>What one link brings goes out by the other; while that has no room the first one waits, as a card's ring does.</summary>
    private sealed class Splice(ILink target, PacketPool pool) : ILinkSink
    {
        private readonly AutoResetEvent _room = new(false);

        internal Splice Opposite { get; set; } = null!;

        public bool TryRent(PacketSize size, out Packet packet) => pool.TryRent(size, out packet);
        public void Writable() => Opposite._room.Set();
        public void Changed(LinkProperties properties, bool up) { }

        public void Deliver(ref PacketQueue batch)
        {
            while (true)
            {
                target.Send(ref batch);
                if (batch.IsEmpty) return;
                _room.WaitOne(100);
            }
        }
    }
}
