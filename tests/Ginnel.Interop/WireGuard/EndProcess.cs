using System.Diagnostics;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.WireGuard;

/// <summary>A <see cref="WireGuardEnd"/> that was started, and what one says to it.</summary>
internal sealed class EndProcess : IAsyncDisposable
{
    private readonly Process _process;

    private EndProcess(Process process) => _process = process;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Starts one.</summary>
    /// <param name="before">Words that bring it into a namespace.</param>
    /// <param name="words">Its arguments.</param>
    public static async Task<EndProcess> StartAsync(string[] before, params string[] words)
    {
        EndProcess end = new(Caller.Start(Who.Root, [Caller.Self, WireGuardEnd.Word, .. words], before));
        try
        {
            Assert.Equal("ready", await end.ReadAsync(TimeSpan.FromSeconds(60)));
            return end;
        }
        catch
        {
            await end.DisposeAsync();
            throw;
        }
    }

    public async Task<string> AskAsync(string order, int seconds = 120)
    {
        await _process.StandardInput.WriteLineAsync(order);
        await _process.StandardInput.FlushAsync(Token);
        return await ReadAsync(TimeSpan.FromSeconds(seconds)) is { } answer ? answer : throw new IOException($"Our end is gone after '{order}'.");
    }

    /// <summary>Ends it as it should end.</summary>
    public async Task EndAsync()
    {
        _process.StandardInput.Close();
        Outcome outcome = await Caller.FinishAsync(_process);
        Assert.True(outcome.ExitCode == 0, outcome.Errors);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
    }

    private async Task<string?> ReadAsync(TimeSpan patience)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(patience);
        return await _process.StandardOutput.ReadLineAsync(limit.Token);
    }
}
