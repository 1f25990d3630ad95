using System.Diagnostics;

namespace Ginnel.Interop.Sandboxes;

/// <summary>Ends a process that a failing test would leave behind, waiting for ever and holding its ports.</summary>
internal sealed class Reaper(Process process) : IAsyncDisposable
{
    public async ValueTask DisposeAsync()
    {
        if (process.HasExited) return;
        process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
    }
}
