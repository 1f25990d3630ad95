using System.Net;
using System.Threading.Channels;

namespace Ginnel.ProxyProtocols.Tests;

/// <summary>The proxy's port for datagrams of a client: a test puts in what arrives, and takes out what was sent.</summary>
internal sealed class TestPort(IPEndPoint local) : IDatagramPort
{
    private readonly Channel<(IPEndPoint From, byte[] Datagram)> _arriving = Channel.CreateUnbounded<(IPEndPoint, byte[])>();
    private readonly Channel<(IPEndPoint To, byte[] Datagram)> _sent = Channel.CreateUnbounded<(IPEndPoint, byte[])>();

    public IPEndPoint? LocalEndPoint => local;

    internal bool IsClosed { get; private set; }

    internal void Arrive(string from, params byte[] datagram) => _arriving.Writer.TryWrite((IPEndPoint.Parse(from), datagram));

    internal ValueTask<(IPEndPoint To, byte[] Datagram)> SentAsync() => _sent.Reader.ReadAsync(TestContext.Current.CancellationToken);

    public async ValueTask<DatagramItem> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            (IPEndPoint from, byte[] datagram) = await _arriving.Reader.ReadAsync(cancellationToken);
            datagram.CopyTo(buffer);
            return new DatagramItem(datagram.Length, from);
        }
        catch (ChannelClosedException)
        {
            throw new ObjectDisposedException(nameof(TestPort));
        }
    }

    public ValueTask<DialFailure> SendAsync(ReadOnlyMemory<byte> payload, IPEndPoint remote, CancellationToken cancellationToken = default)
    {
        _sent.Writer.TryWrite((remote, payload.ToArray()));
        return default;
    }

    public void ReportFailure(IPEndPoint remote, DialFailure failure)
    {
    }

    public ValueTask DisposeAsync()
    {
        IsClosed = true;
        _arriving.Writer.TryComplete();
        return default;
    }
}
