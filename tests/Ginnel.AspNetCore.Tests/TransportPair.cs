using System.Buffers;
using System.IO.Pipelines;
using Ginnel.Tests;
using Microsoft.AspNetCore.Connections;

namespace Ginnel.AspNetCore.Tests;

/// <summary>The transport without a server on it: a client's stream, and the same connection as a server is given it.</summary>
internal sealed class TransportPair : IAsyncDisposable
{
    private TransportPair(TestNetwork network, IConnectionListener listener, TcpStream client, ConnectionContext server) =>
        (Network, Listener, Client, Server) = (network, listener, client, server);

    internal TestNetwork Network { get; }
    internal IConnectionListener Listener { get; }
    internal TcpStream Client { get; }
    internal ConnectionContext Server { get; }
    internal PipeReader Input => Server.Transport.Input;
    internal PipeWriter Output => Server.Transport.Output;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    internal static async Task<TransportPair> ConnectAsync(NetworkHostTransportOptions? options = null, IMemoryPoolFactory<byte>? pools = null)
    {
        TestNetwork network = new();
        IConnectionListener listener = await new NetworkHostTransportFactory(options: options, pools: pools)
            .BindAsync(new NetworkHostEndPoint(network.Server, TestNetwork.ServerEnd(80)), Token);
        ValueTask<TcpStream> connecting = network.Client.ConnectAsync(TestNetwork.ServerEnd(80), Token);
        ConnectionContext? server = await listener.AcceptAsync(Token);
        return new TransportPair(network, listener, await connecting, server!);
    }

    /// <summary>Everything that comes, until it ends.</summary>
    internal async Task<byte[]> ReadToEndAsync()
    {
        while (true)
        {
            ReadResult result = await Input.ReadAsync(Token);
            if (result.IsCompleted)
            {
                byte[] all = result.Buffer.ToArray();
                Input.AdvanceTo(result.Buffer.End);
                return all;
            }
            Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    /// <summary>Completes when the connection says that it is closed.</summary>
    internal Task Closed()
    {
        TaskCompletionSource closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Server.ConnectionClosed.UnsafeRegister(static state => ((TaskCompletionSource)state!).SetResult(), closed);
        return closed.Task.WaitAsync(Token);
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        Client.Dispose();
        await Listener.DisposeAsync();
        await Network.DisposeAsync();
    }
}
