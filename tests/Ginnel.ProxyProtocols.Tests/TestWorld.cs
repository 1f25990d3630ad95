using System.Net;
using System.Threading.Channels;

namespace Ginnel.ProxyProtocols.Tests;

/// <summary>What lies behind the proxy: every dial arrives here, and fails when the test says so.</summary>
internal sealed class TestWorld : IDialer
{
    private readonly Channel<(EndPoint Target, FlowInfo Flow, TestClient Server)> _dialled = Channel.CreateUnbounded<(EndPoint, FlowInfo, TestClient)>();

    /// <summary>How each target is answered; by default it connects.</summary>
    internal Func<EndPoint, CancellationToken, Task<DialFailure>> Answer { get; set; } = static (_, _) => Task.FromResult(DialFailure.None);

    /// <summary>The next dial that connected, and the server's end of it.</summary>
    internal ValueTask<(EndPoint Target, FlowInfo Flow, TestClient Server)> NextAsync() => _dialled.Reader.ReadAsync(TestContext.Current.CancellationToken);

    /// <summary>Whether nobody was dialled who was not taken by <see cref="NextAsync"/>.</summary>
    internal bool IsQuiet => _dialled.Reader.Count == 0;

    public async ValueTask<DialResult> DialAsync(EndPoint target, FlowInfo flow, CancellationToken cancellationToken = default)
    {
        DialFailure failure = await Answer(target, cancellationToken);
        if (failure.Kind != DialFailureKind.None) return DialResult.Failed(failure);
        (PairedStream server, PairedStream dialled) = PairedStream.Create(target);
        _dialled.Writer.TryWrite((target, flow, new TestClient(server)));
        return DialResult.Connected(dialled);
    }

    public ValueTask<BindResult> BindAsync(FlowInfo flow, CancellationToken cancellationToken = default) => new(BindResult.Failed(DialFailureKind.Unsupported));
}
