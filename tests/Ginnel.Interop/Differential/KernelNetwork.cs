using System.Diagnostics;
using System.Net;
using Ginnel.Linux;
using Ginnel.Linux.Links;
using Ginnel.Wire;
using Microsoft.Win32.SafeHandles;

namespace Ginnel.Interop.Differential;

/// <summary>
/// The kernel's TCP at the other end of a TUN device, in the network namespace in which this process was started. A packet that is written
/// is processed before the write returns, and what follows from it lies in the device's queue; an echo request behind it makes sure: the
/// reply comes last.
/// </summary>
internal sealed class KernelNetwork : IDisposable
{
    public static readonly IPAddress AddressV4 = IPAddress.Parse("10.77.0.1"), AddressV6 = IPAddress.Parse("fd77::1");
    private static readonly IpAddress FenceSource = IpAddress.Parse("10.78.255.254");

    /// <summary>
    /// What depends on the time that this machine happens to take is switched off (probes of the tail, acknowledgments held back, memories
    /// of former connections), and what ours is set up without (marks of congestion). Resets do not cut TIME-WAIT short (RFC 1337), as
    /// they do not in ours.
    /// </summary>
    private const string Prepare = """
        set -e
        ip link set lo up
        ip link set ginnel0 mtu 1500 addrgenmode none
        ip link set ginnel0 up
        ip addr add 10.77.0.1/32 dev ginnel0
        ip addr add fd77::1/128 dev ginnel0 nodad
        ip route add 10.78.0.0/16 dev ginnel0 quickack 1
        ip -6 route add fd78::/32 dev ginnel0 quickack 1
        set_ipv4() { echo "$2" > /proc/sys/net/ipv4/$1; }
        set_ipv4 tcp_congestion_control reno
        set_ipv4 tcp_ecn 0
        set_ipv4 tcp_early_retrans 0
        set_ipv4 tcp_no_metrics_save 1
        set_ipv4 tcp_rfc1337 1
        set_ipv4 tcp_autocorking 0
        set_ipv4 tcp_rmem "4096 131072 131072"
        set_ipv4 tcp_wmem "4096 1048576 4194304"
        set_ipv4 conf/all/rp_filter 0
        set_ipv4 conf/ginnel0/rp_filter 0
        """;

    private readonly Descriptor _device;
    private readonly FileStream _packets;
    private readonly byte[] _buffer = new byte[65_536];
    private uint _fences;

    private KernelNetwork(Descriptor device)
    {
        _device = device;
        _packets = new FileStream(new SafeFileHandle(device.Number, ownsHandle: false), FileAccess.ReadWrite, bufferSize: 0);
    }

    /// <summary>Makes the device in this process's namespace, which has to be one of its own.</summary>
    public static KernelNetwork Create()
    {
        KernelNetwork network = new(TunDevice.CreateBare("ginnel0"));
        ProcessStartInfo start = new("/bin/sh") { RedirectStandardError = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(Prepare);
        using Process process = Process.Start(start)!;
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? network : throw new InvalidOperationException($"the namespace cannot be prepared: {errors}");
    }

    public void Write(byte[] packet) => _packets.Write(packet);

    /// <summary>Every packet that the kernel has sent so far.</summary>
    public List<byte[]> Collect()
    {
        List<byte[]> packets = [];
        uint fence = ++_fences;
        Write(RawPacket.Echo(FenceSource, IpAddress.From(AddressV4), fence));
        while (true)
        {
            int length = _packets.Read(_buffer);
            ReadOnlySpan<byte> packet = _buffer.AsSpan(0, length);
            if (RawPacket.IsEchoReply(packet, fence)) return packets;
            packets.Add(packet.ToArray());
        }
    }

    public void Dispose()
    {
        _packets.Dispose();
        _device.Dispose();
    }
}
