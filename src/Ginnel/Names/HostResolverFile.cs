namespace Ginnel;

/// <summary>
/// The host's resolv.conf, read again when it changes: a laptop that changes networks gets other servers while a program runs. A file that
/// cannot be read or names no server means no resolver: questions fail, they go nowhere else.
/// </summary>
public sealed class HostResolverFile : IResolverSource
{
    private const int MostBytes = 64 << 10;
    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromSeconds(1);
    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private ResolverConfiguration _current = ResolverConfiguration.Empty;
    private (DateTime Modified, long Length) _seen;
    private long _lookedAt;
    private bool _hasLooked;

    /// <summary>Reads it on first use.</summary>
    /// <param name="path">The file; a symlink is followed each time, since resolvers replace its target.</param>
    /// <param name="time">The clock; null for the system's.</param>
    public HostResolverFile(string path = "/etc/resolv.conf", TimeProvider? time = null)
    {
        _path = path;
        _time = time ?? TimeProvider.System;
    }

    /// <inheritdoc/>
    public ResolverConfiguration Current
    {
        get
        {
            lock (_lock)
            {
                if (_hasLooked && _time.GetElapsedTime(_lookedAt) < LookAgainAfter) return _current;
                _hasLooked = true;
                _lookedAt = _time.GetTimestamp();
                Look();
                return _current;
            }
        }
    }

    private void Look()
    {
        try
        {
            FileInfo link = new(_path);
            FileInfo file = link.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? link;
            if (!file.Exists || file.Length > MostBytes)
            {
                Forget();
                return;
            }
            (DateTime, long) seen = (file.LastWriteTimeUtc, file.Length);
            if (seen == _seen) return;
            _current = ResolverConfiguration.Parse(File.ReadAllText(file.FullName));
            _seen = seen;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            Forget();
        }
    }

    private void Forget()
    {
        _current = ResolverConfiguration.Empty;
        _seen = default;
    }
}
