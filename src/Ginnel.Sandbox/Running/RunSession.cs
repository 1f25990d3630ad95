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
        network.Start(capture is null ? process.Link : new CaptureLink(process.Link, capture, InterfaceName), process.GatewayAddress, publication, process.ReachesLoopbackV6);
        using SignalForwarder signals = new(process);
        process.Release();
        Task<Exception> broken = network.Host.Failed;
        await Task.WhenAny(process.Exited, broken).ConfigureAwait(false);
        if (broken.IsCompleted && !process.Exited.IsCompleted)
        {
            // Fails closed: the device goes, and the program is told by its network being gone.
            Console.Error.WriteLine($"ginnel: a fault of Ginnel's own has ended the network, please report it: {await broken.ConfigureAwait(false)}");
            await process.DisposeAsync().ConfigureAwait(false);
        }
        ExitStatus status = await process.Exited.ConfigureAwait(false);
        await new LastDelivery(network.Host, network.Flows, process).RunAsync().ConfigureAwait(false);
        if (capture?.Failure is { } failure) Console.Error.WriteLine($"ginnel: --pcap: {options.CaptureFile} is incomplete: {failure.Message}");
        if (options.Summary is { } summary) WriteSummary(summary, network, Stopwatch.GetElapsedTime(began));
        // A connection that is still open is reset by us: the kernel would end it as if all had been sent.
        if (options.Over is { } over && network.Flows.LiveCount == 0 && !broken.IsCompleted)
        {
            deferred.Dispose();
            over(status);
        }
        return status;
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
