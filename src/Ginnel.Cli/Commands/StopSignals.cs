using System.Runtime.InteropServices;

namespace Ginnel.Cli.Commands;

/// <summary>Turns SIGINT and SIGTERM into a token, so that a server stops promptly and in order.</summary>
internal sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _again = new();
    private readonly PosixSignalRegistration[] _registrations;

    /// <summary>Takes both signals over.</summary>
    public StopSignals() => _registrations = [Register(PosixSignal.SIGINT, 2), Register(PosixSignal.SIGTERM, 15)];

    /// <summary>What a shell reports for a program that the signal ended: 128 and its number; 0 before any.</summary>
    public int ShellCode { get; private set; }

    /// <summary>Cancelled by the first of them.</summary>
    public CancellationToken Token => _stop.Token;

    /// <summary>Cancelled by the second: whoever signals twice does not want to wait.</summary>
    public CancellationToken Again => _again.Token;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations) registration.Dispose();
    }

    private PosixSignalRegistration Register(PosixSignal signal, int number) => PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        if (ShellCode == 0) ShellCode = 128 + number;
        if (_stop.IsCancellationRequested) _again.Cancel();
        else _stop.Cancel();
    });
}
