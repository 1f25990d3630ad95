namespace Ginnel;

/// <summary>A link that is attached to an interface of a host.</summary>
public sealed class LinkAttachment : IAsyncDisposable
{
    private readonly Shard _shard;
    private readonly ShardPort _port;
    private readonly CancellationTokenSource _stop = new();
    private readonly bool _ownsLink;
    private int _disposed;

    internal LinkAttachment(Shard shard, ShardPort port, HostInterface hostInterface, bool ownsLink)
    {
        _shard = shard;
        _port = port;
        _ownsLink = ownsLink;
        Interface = hostInterface;
    }

    /// <summary>The interface.</summary>
    public HostInterface Interface { get; }

    /// <summary>The link.</summary>
    public ILink Link => _port.Link;

    /// <summary>
    /// Completes when the link has ended or was detached; faults with what broke the carrier. The interface is down from then on, its
    /// connections wait for another link.
    /// </summary>
    public Task Completion { get; private set; } = Task.CompletedTask;

    internal void Start() => Completion = RunAsync();

    private async Task RunAsync()
    {
        try
        {
            await Link.RunAsync(_port, _stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
        }
        finally
        {
            _shard.Close(_port);
            Interface.Forget(this);
        }
    }

    /// <summary>Detaches and waits until the link has let go; disposes of the link if the attachment owns it. Does not throw for a broken carrier.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _shard.Close(_port);
            await _stop.CancelAsync().ConfigureAwait(false);
            if (_ownsLink) await Link.DisposeAsync().ConfigureAwait(false);
        }
        await Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
