using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Ginnel.Cli.CommandLine;

namespace Ginnel.Cli.Commands;

/// <summary>The stream that leads to an exit: a socket, or a command's standard streams. Ends the command when disposed of.</summary>
internal sealed class ExitConnection : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15), CommandPatience = TimeSpan.FromSeconds(2);
    private readonly Process? _process;

    private ExitConnection(Stream stream, Process? process) => (Stream, _process) = (stream, process);

    /// <summary>The stream.</summary>
    public Stream Stream { get; }

    /// <summary>Connects as <c>--connect</c> or <c>--command</c> say, and proves the secret.</summary>
    /// <exception cref="UsageException">Neither or both were given, or a value is wrong.</exception>
    /// <exception cref="IOException">The exit cannot be reached, or does not know the secret.</exception>
    public static async Task<ExitConnection> OpenAsync(OptionValues options, CancellationToken cancellationToken)
    {
        string? address = options.Value("--connect"), line = options.Value("--command");
        if (address is null == line is null) throw new UsageException("one of --connect and --command is needed");
        SharedSecret? secret = SecretFile.Read(options);
        ExitConnection connection = line is not null ? Start(line) : await ConnectAsync(NetworkOptions.ReadEndPoint("--connect", address!, allowsNames: true), cancellationToken).ConfigureAwait(false);
        if (secret is null) return connection;
        try
        {
            using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            // A command may ask its user for a password first.
            if (line is null) patience.CancelAfter(Patience);
            await secret.AuthenticateAsync(connection.Stream, VirtualInterfaceRole.Entrance, patience.Token).AsTask().WaitAsync(patience.Token).ConfigureAwait(false);
            return connection;
        }
        catch (Exception failure)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            // An exit that is not convinced hangs up.
            if (failure.InnerException is SocketException) throw new IOException("The exit turned us away; is its secret the same?", failure);
            if (failure is OperationCanceledException && !cancellationToken.IsCancellationRequested) throw new IOException($"The exit said nothing for {Patience.TotalSeconds:0} s; does it have a --secret-file?");
            throw;
        }
    }

    private static ExitConnection Start(string line)
    {
        ProcessStartInfo start = new("/bin/sh") { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.ArgumentList.Add("-c");
        // A terminal's Ctrl-C is for COMMAND, which may live on and then needs its network. ssh leaves ignored signals ignored, but takes
        // Ctrl-C while it asks for a password.
        start.ArgumentList.Add("trap '' INT QUIT\n" + line);
        Process process = Process.Start(start) ?? throw new IOException("/bin/sh could not be started.");
        return new ExitConnection(new StandardStreams(process.StandardOutput.BaseStream, process.StandardInput.BaseStream), process);
    }

    private static async Task<ExitConnection> ConnectAsync(EndPoint remote, CancellationToken cancellationToken)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        Socket socket = remote switch
        {
            UnixDomainSocketEndPoint => new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified),
            IPEndPoint address => new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true },
            _ => new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true },
        };
        try
        {
            await socket.ConnectAsync(remote, patience.Token).ConfigureAwait(false);
            return new ExitConnection(new NetworkStream(socket, ownsSocket: true), null);
        }
        catch (Exception failure) when (failure is SocketException or OperationCanceledException)
        {
            socket.Dispose();
            if (cancellationToken.IsCancellationRequested) throw;
            throw new IOException($"The exit at {remote} cannot be reached: {(failure is SocketException refused ? refused.Message : "no answer")}. Is ginnel exit running there?", failure);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Stream.DisposeAsync().ConfigureAwait(false);
        if (_process is null) return;
        using CancellationTokenSource patience = new(CommandPatience);
        // Its standard input is closed: most commands end by that.
        await _process.WaitForExitAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }
}
