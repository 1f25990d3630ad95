using System.Net;
using System.Net.Sockets;
using Ginnel.Cli.CommandLine;
using Ginnel.Linux.Datagrams;
using Ginnel.Linux.Launch;
using Ginnel.Sandbox;

namespace Ginnel.Cli.Commands;

/// <summary><c>ginnel exit</c>.</summary>
internal static class ExitCommand
{
    /// <summary>Bytes of the longest packet on a stream, which neither loses nor reorders: long packets cost less.</summary>
    public const int StreamMtu = 65_535;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private static readonly TimeSpan HandshakePatience = TimeSpan.FromSeconds(10);

    /// <summary>Serves until the peer leaves (over standard streams) or a signal comes.</summary>
    public static async Task<int> RunAsync(OptionValues options, GinnelCommand command)
    {
        try
        {
            IReadOnlyList<IPNetwork> exposed = NetworkOptions.ReadExposed(options);
            if (exposed.Count == 0) throw new UsageException("nothing is exposed, so nothing could be reached: name networks with --expose CIDR");
            EndPoint? local = options.Value("--listen") is { } text ? NetworkOptions.ReadEndPoint("--listen", text, allowsNames: false) : null;
            if (local is null == !options.Has("--stdio")) throw new UsageException("one of --stdio and --listen is needed");
            SharedSecret? secret = SecretFile.Read(options);
            if (local is IPEndPoint reachable && !IPAddress.IsLoopback(reachable.Address) && secret is null && !options.Has("--insecure-listen"))
            {
                throw new UsageException($"--listen {local} could be reached by strangers: give both ends the same --secret-file, or say --insecure-listen if you mean it");
            }
            await using FlowReport report = FlowReport.Open(options);
            FlowRegistry flows = new();
            flows.Observe(new FlowLog(report.Log));
            IReadOnlyList<IPAddress> servers = NetworkOptions.ReadNameServers(options);
            await using ExitInterface exit = VirtualInterface.Exit(new ExitOptions
            {
                Expose = exposed,
                DatagramSockets = LinuxDatagramSockets.Shared,
                NameServers = servers.Count > 0 ? FixedResolverSource.Of(servers) : null,
                Relay = new RelayOptions { Flows = flows },
            });
            using StopSignals signals = new();
            return local is null
                ? await ServeStandardStreamsAsync(exit, secret, signals.Token).ConfigureAwait(false)
                : await ListenAsync(exit, local, secret, signals.Token).ConfigureAwait(false);
        }
        catch (UsageException wrong)
        {
            Console.Error.WriteLine($"ginnel: {wrong.Message}");
            return command.Details.UsageExitCode;
        }
        catch (Exception failure) when (failure is IOException or SocketException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"ginnel: {failure.Message}");
            return 1;
        }
    }

    private static async Task<int> ServeStandardStreamsAsync(ExitInterface exit, SharedSecret? secret, CancellationToken stop)
    {
        StandardStreams stream = new(Console.OpenStandardInput(), Console.OpenStandardOutput());
        try
        {
            await AuthenticateAsync(stream, secret, stop).ConfigureAwait(false);
            ExitSession session = exit.Add(new StreamLink(stream, new StreamLinkOptions { Mtu = StreamMtu }));
            await session.Completion.WaitAsync(stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
        return 0;
    }

    private static async Task<int> ListenAsync(ExitInterface exit, EndPoint local, SharedSecret? secret, CancellationToken stop)
    {
        await using HostListener listener = Open(local);
        Console.Error.WriteLine($"ginnel: waiting for entrances at {local}");
        HandshakeGate gate = new();
        try
        {
            while (await listener.AcceptAsync(stop).ConfigureAwait(false) is { } pending)
            {
                if (gate.TryEnter(pending.Flow.Source?.Address, out HandshakeGate.Place? place)) _ = AdmitAsync(exit, pending, secret, place, stop);
                else pending.Reject(new DialFailure(DialFailureKind.Limit));
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
        return 0;
    }

    private static HostListener Open(EndPoint local)
    {
        try
        {
            return HostListener.Listen(local, "exit", mode: OwnerOnly);
        }
        catch (SocketException failure) when (failure.SocketErrorCode == SocketError.AddressAlreadyInUse && local is UnixDomainSocketEndPoint)
        {
            string path = local.ToString()!;
            // connect(2) refuses a file of any other kind by the same error as a deserted socket.
            if (!FileKind.IsSocket(path)) throw new IOException($"--listen: {path} exists and is no socket; name another path, or remove it first", failure);
            if (!IsDeserted(local)) throw new IOException($"--listen: somebody listens at {path} already", failure);
            // The socket file of someone who was killed.
            File.Delete(path);
            return HostListener.Listen(local, "exit", mode: OwnerOnly);
        }
    }

    private static bool IsDeserted(EndPoint local)
    {
        using Socket probe = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(local);
            return false;
        }
        catch (SocketException failure)
        {
            return failure.SocketErrorCode == SocketError.ConnectionRefused;
        }
    }

    private static async Task AdmitAsync(ExitInterface exit, IPendingConnection pending, SharedSecret? secret, HandshakeGate.Place place, CancellationToken stop)
    {
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(stop, place.TurnedAway);
        DuplexStream? stream = null;
        string who = pending.Flow.Source?.ToString() ?? "a Unix socket";
        try
        {
            stream = await pending.AcceptAsync(end.Token).ConfigureAwait(false);
            await AuthenticateAsync(stream, secret, end.Token).ConfigureAwait(false);
            exit.Add(new StreamLink(stream, new StreamLinkOptions { Mtu = StreamMtu }));
        }
        catch (Exception failure) when (failure is IOException or InvalidOperationException or OperationCanceledException)
        {
            string why = failure is not OperationCanceledException ? failure.Message : place.TurnedAway.IsCancellationRequested ? "others came" : "it took too long";
            if (!stop.IsCancellationRequested) Console.Error.WriteLine($"ginnel: the entrance from {who} was turned away: {why}");
            stream?.Abort();
            if (stream is not null) await stream.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            place.Leave();
        }
    }

    /// <summary>Proves and demands proof, if there is a secret, within a bounded time.</summary>
    private static async Task AuthenticateAsync(Stream stream, SharedSecret? secret, CancellationToken stop)
    {
        if (secret is null) return;
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(HandshakePatience);
        // Standard input is read by blocking: waiting for it must be given up from outside.
        await secret.AuthenticateAsync(stream, VirtualInterfaceRole.Exit, patience.Token).AsTask().WaitAsync(patience.Token).ConfigureAwait(false);
    }
}
