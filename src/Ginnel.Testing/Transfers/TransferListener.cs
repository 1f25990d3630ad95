using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel.Testing;

/// <summary>Listens and puts a <see cref="TransferEnd"/> on each connection that it accepts. It stays until <see cref="Stop"/>.</summary>
/// <param name="network">The network.</param>
/// <param name="local">Where it listens; an unspecified address for all.</param>
/// <param name="plan">The plan for the connection with this number, counted from 0.</param>
/// <param name="backlog">Connections that may wait.</param>
public sealed class TransferListener(SimulatedNetwork network, IpEndpoint local, Func<int, TransferPlan> plan, int backlog = 16) : SimulatedApplication
{
    private readonly List<TransferEnd> _accepted = [];
    private SocketId _socket;

    /// <summary>The ends on accepted connections, in order.</summary>
    public IReadOnlyList<TransferEnd> Accepted => _accepted;

    /// <inheritdoc/>
    public override bool IsDone => true;

    /// <inheritdoc/>
    public override void Start()
    {
        OpStatus status = Host.Stack.Listen(local, backlog, out _socket);
        if (status != OpStatus.Ok) throw network.Failure($"{Host.Name} cannot listen on {local}: {status}");
        Host.Own(_socket, this);
    }

    /// <inheritdoc/>
    public override void OnEvent(SocketEvent socketEvent)
    {
        while (Host.Stack.Accept(_socket, Host.Now, out SocketId id) == OpStatus.Ok)
        {
            TransferEnd end = TransferEnd.Accepted(network, plan(_accepted.Count), id);
            _accepted.Add(end);
            Host.Run(end);
        }
    }

    /// <summary>Stops listening.</summary>
    public void Stop()
    {
        Host.Disown(_socket);
        Host.Stack.Release(_socket, Host.Now);
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Host.Name}'s listener on {local}";
}
