using System.Collections.Concurrent;
using Ginnel.Linux;
using Ginnel.Linux.Native;

namespace Ginnel.Versus.Ends;

/// <summary>A network namespace of its own, with a thread that is in it: what belongs to a namespace by who makes it is made there.</summary>
internal sealed class Space : IDisposable
{
    private readonly BlockingCollection<Action> _work = [];

    /// <summary>Makes it, with settings of <c>net.ipv4</c> and without IPv6.</summary>
    internal Space(params ReadOnlySpan<(string Name, string Value)> settings)
    {
        (string Name, string Value)[] wanted = settings.ToArray();
        new Thread(Live) { IsBackground = true, Name = "namespace" }.Start();
        Run(() =>
        {
            if (Namespaces.unshare(Namespaces.NewNetwork) != 0) throw LinuxException.Last("unshare", "CLONE_NEWNET");
            File.WriteAllText("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
            foreach ((string name, string value) in wanted) File.WriteAllText("/proc/sys/net/ipv4/" + name, value);
            return 0;
        });
    }

    /// <summary>Runs something inside and waits for it.</summary>
    internal T Run<T>(Func<T> action)
    {
        TaskCompletionSource<T> done = new();
        _work.Add(() =>
        {
            try
            {
                done.SetResult(action());
            }
            catch (Exception failure)
            {
                done.SetException(failure);
            }
        });
        return done.Task.GetAwaiter().GetResult();
    }

    public void Dispose() => _work.CompleteAdding();

    private void Live()
    {
        foreach (Action action in _work.GetConsumingEnumerable()) action();
        _work.Dispose();
    }
}
