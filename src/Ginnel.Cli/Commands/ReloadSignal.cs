using System.Runtime.InteropServices;

namespace Ginnel.Cli.Commands;

/// <summary>
/// SIGHUP, from the first moment on: what nobody takes over ends the process, also one that only opens its ports as yet. A signal that comes before there
/// is anything to reload is remembered until there is.
/// </summary>
internal sealed class ReloadSignal : IDisposable
{
    private readonly Lock _lock = new();
    private readonly PosixSignalRegistration _registration;
    private Action? _reload;
    private bool _isDue;

    /// <summary>Takes the signal over.</summary>
    public ReloadSignal() => _registration = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
    {
        context.Cancel = true;
        Come();
    });

    /// <summary>What is done from now on when the signal comes; at once, if it has come already. It must not wait for anything.</summary>
    public void Serve(Action reload)
    {
        lock (_lock)
        {
            _reload = reload;
            if (!_isDue) return;
            _isDue = false;
        }
        reload();
    }

    /// <summary>The signal has come.</summary>
    internal void Come()
    {
        Action? reload;
        lock (_lock)
        {
            reload = _reload;
            _isDue = reload is null;
        }
        reload?.Invoke();
    }

    /// <inheritdoc/>
    public void Dispose() => _registration.Dispose();
}
