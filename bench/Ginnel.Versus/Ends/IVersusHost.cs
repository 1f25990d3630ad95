using System.Net;

namespace Ginnel.Versus.Ends;

/// <summary>A host whose TCP is measured.</summary>
internal interface IVersusHost : IAsyncDisposable
{
    IPAddress Address { get; }

    /// <summary>Accepts one connection on the port and reads as much as comes, until the flow is disposed of.</summary>
    IReceivingFlow Receive(int port);

    /// <summary>Connects, and then sends as much as is taken until the flow is disposed of.</summary>
    ISendingFlow Send(IPEndPoint destination);
}

/// <summary>The receiving end of a transfer.</summary>
internal interface IReceivingFlow : IAsyncDisposable
{
    /// <summary>Octets that the application has read.</summary>
    long Received { get; }
}

/// <summary>The sending end of a transfer.</summary>
internal interface ISendingFlow : IAsyncDisposable
{
    /// <summary>Completes with the handshake.</summary>
    Task Connected { get; }

    /// <summary>How the connection stands, as <c>ss -ti</c> would have it.</summary>
    FlowState State { get; }
}

/// <summary>The sender's variables; windows in segments.</summary>
internal readonly record struct FlowState(string Phase, int Window, int Threshold, int Flight, double RoundTripMilliseconds, double TimeoutMilliseconds, long Retransmissions, string More);
