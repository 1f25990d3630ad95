using Ginnel.Services.Metrics;

namespace Ginnel.Proxy.Operating;

/// <summary>What machines ask a proxy for: its figures, whether it lives, and whether it takes work.</summary>
public sealed class ProxyHealth(ProxySession session, PrometheusText metrics)
{
    private volatile bool _isDraining;

    /// <summary>The pages.</summary>
    public static IReadOnlyList<string> Paths { get; } = ["/metrics", "/healthz", "/readyz"];

    /// <summary>It ends, and takes nothing new.</summary>
    public void BeginDraining() => _isDraining = true;

    /// <summary>A page: status code, media type and text.</summary>
    public (int Status, string ContentType, string Text) Answer(string path)
    {
        const string Plain = "text/plain; charset=utf-8";
        bool isOpen = !session.Completion.IsCompleted;
        return path switch
        {
            "/metrics" => (200, PrometheusText.ContentType, metrics.Read()),
            "/healthz" => isOpen ? (200, Plain, "ok\n") : (503, Plain, "the tunnel's socket has ended\n"),
            "/readyz" => !isOpen ? (503, Plain, "the tunnel's socket has ended\n") : _isDraining ? (503, Plain, "draining\n") : (200, Plain, "ok\n"),
            _ => (404, Plain, $"there are {string.Join(", ", Paths)}\n"),
        };
    }
}
