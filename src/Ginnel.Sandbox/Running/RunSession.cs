using System.Diagnostics;
using System.Globalization;
using Ginnel.Linux.Events;
using Ginnel.Services.Status;

namespace Ginnel.Sandbox;

/// <summary><c>ginnel run</c>: launches the program in its namespaces, puts the stack at the other end of its only link, and waits.</summary>
public static class RunSession
{
    private const string InterfaceName = "ginnel0";

    /// <summary>Runs a program to its end.</summary>
    /// <param name="options">What to run, and with which network.</param>
    /// <param name="way">How its connections leave; null for the host's ordinary sockets.</param>
    /// <returns>How the program ended.</returns>
    /// <exception cref="LaunchException">It could not be started; the exception names cause and remedy.</exception>
    public static async Task<ExitStatus> RunAsync(RunOptions options, WayOut? way = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        long began = Stopwatch.GetTimestamp();
        SandboxAddresses addresses = SandboxAddresses.Choose(options, HostRoutes.Read);
        using DeferredCapture deferred = new(options);
        await using Publication publication = await Publication.BindAsync(options.Publish).ConfigureAwait(false);
        // The launch takes tens of milliseconds in other processes; the stack is made ready meanwhile.
        Task<SandboxProcess> launching = SandboxProcess.StartAsync(ToLaunch(options, addresses));
        using EventLoop loop = new("network", runsContinuations: true);
        await using RunNetwork network = new(options, addresses, way ?? WayOut.Direct(options, addresses, loop), loop);
        await using SandboxProcess process = await launching.ConfigureAwait(false);
        process.Link.EventLoop = loop;
        CaptureFile? capture = deferred.Open();
        ILink link = capture is null ? process.Link : new CaptureLink(process.Link, capture, InterfaceName);
        using SignalForwarder signals = new(process);
        // The program loads while its network is being opened: what it sends meanwhile waits in the device.
        process.Release();
        Task opening = Task.Run(() => network.Start(link, process.GatewayAddress, publication, process.ReachesLoopbackV6));
        try
        {
            await Task.WhenAny(process.Exited, opening).ConfigureAwait(false);
            bool hasNeededNone = !opening.IsCompleted && process.IsLinkUnused && options.Over is not null;
            if (!hasNeededNone) await ServeAsync(network, process, opening, loop, options.OwnsProcess).ConfigureAwait(false);
            ExitStatus status = await process.Exited.ConfigureAwait(false);
            if (capture?.Failure is { } failure) Console.Error.WriteLine($"ginnel: --pcap: {options.CaptureFile} is incomplete: {failure.Message}");
            if (options.Summary is { } summary) WriteSummary(summary, network, Stopwatch.GetElapsedTime(began));
            // A connection that is still open is reset by us: the kernel would end it as if all had been sent.
            if (options.Over is { } over && network.Flows.LiveCount == 0 && !network.Host.Failed.IsCompleted)
            {
                deferred.Dispose();
                process.LeaveDevice();
                over(status);
            }
            return status;
        }
        finally
        {
            await opening.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Until the program has ended and what it wrote last is delivered.</summary>
    private static async Task ServeAsync(RunNetwork network, SandboxProcess process, Task opening, EventLoop loop, bool ownsProcess)
    {
        using IdleCollector? collector = ownsProcess ? new IdleCollector() : null;
        Task broken = BreakAsync(network.Host, opening);
        if (await Task.WhenAny(process.Exited, broken).ConfigureAwait(false) == broken)
        {
            // Fails closed: the device goes, and the program is told by its network being gone.
            string why = broken.Exception!.InnerException!.ToString();
            Console.Error.WriteLine($"ginnel: a fault of Ginnel's own has ended the network, please report it: {why}");
            await process.DisposeAsync().ConfigureAwait(false);
        }
        await process.Exited.ConfigureAwait(false);
        await opening.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await new LastDelivery(network.Host, network.Flows, process, loop).RunAsync().ConfigureAwait(false);
    }

    /// <summary>Fails with the fault that has ended the network, be it in its opening.</summary>
    private static async Task BreakAsync(NetworkHost host, Task opening)
    {
        await opening.ConfigureAwait(false);
        throw await host.Failed.ConfigureAwait(false);
    }

    private static LaunchOptions ToLaunch(RunOptions options, SandboxAddresses addresses) => new()
    {
        Command = options.Command,
        V4 = addresses.V4,
        V6 = addresses.V6,
        Mtu = options.Mtu,
        InterfaceName = InterfaceName,
        AsRoot = options.AsRoot,
        OpenLoopback = options.Publish.Count > 0,
        Device = options.Device,
        SelfCommand = options.SelfCommand,
        Caller = options.Caller,
    };

    private static void WriteSummary(TextWriter writer, RunNetwork network, TimeSpan duration)
    {
        FlowRegistry flows = network.Flows;
        (long up, long down) = network.Log.Totals;
        writer.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"ginnel: {flows.EndedCount + flows.LiveCount} flows, {flows.FailedCount} failed, {Readable.Bytes(up)} up, {Readable.Bytes(down)} down, {network.Dns.Questions} names asked, {network.Dns.Failures} unanswered, in {Readable.Duration(duration)}"));
        writer.Flush();
    }
}
