using System.Net;
using Ginnel.Testing;

namespace Ginnel.WireGuard.Tests;

/// <summary>Answers from a table, at once or when the test says so, and remembers when it was asked.</summary>
internal sealed class TestResolver(SimulatedTime time) : INameResolver
{
    private readonly List<TaskCompletionSource> _waiting = [];

    /// <summary>What names mean; others do not exist.</summary>
    public Dictionary<string, IPAddress[]> Answers { get; } = [];

    /// <summary>Each question, with its time in seconds.</summary>
    public List<(double At, string Name)> Asked { get; } = [];

    /// <summary>Whether answers wait for <see cref="Release"/>.</summary>
    public bool IsSlow { get; set; }

    /// <summary>Questions that wait for their answer.</summary>
    public int Waiting => _waiting.Count;

    /// <summary>Called for each answer.</summary>
    public Action? Answering { get; set; }

    public async ValueTask<NameResult> ResolveAsync(string name, CancellationToken cancellationToken = default)
    {
        Asked.Add((time.Now.Ticks / (double)TimeSpan.TicksPerSecond, name));
        if (IsSlow)
        {
            TaskCompletionSource wait = new();
            _waiting.Add(wait);
            await wait.Task.WaitAsync(cancellationToken);
        }
        Answering?.Invoke();
        return Answers.TryGetValue(name, out IPAddress[]? addresses) ? new NameResult([.. addresses]) : NameResult.NotFound(name);
    }

    /// <summary>Answers what waits, on the caller's thread.</summary>
    public void Release()
    {
        TaskCompletionSource[] waiting = [.. _waiting];
        _waiting.Clear();
        foreach (TaskCompletionSource wait in waiting) wait.SetResult();
    }
}
