using System.Net;
using Microsoft.Extensions.Logging;

namespace Ginnel.AspNetCore;

/// <summary>What the transport says.</summary>
internal static partial class TransportLog
{
    [LoggerMessage(1, LogLevel.Warning, "The listener on {EndPoint} has ended, with its network host or by itself: nothing more is accepted there.")]
    internal static partial void ListenerEnded(ILogger logger, EndPoint endPoint);

    [LoggerMessage(5, LogLevel.Warning, "{Address} is no address of the network host {Host}, which has {Own}: nothing arrives at {Local} yet.")]
    internal static partial void ForeignAddress(ILogger logger, IPAddress address, string host, string own, IPEndPoint local);

    [LoggerMessage(2, LogLevel.Debug, "Connection {Id} was reset by its client or its network: {Reason}")]
    internal static partial void Reset(ILogger logger, string id, string reason);

    [LoggerMessage(3, LogLevel.Debug, "Connection {Id} is ended: {Reason}")]
    internal static partial void Aborted(ILogger logger, string id, string reason);

    [LoggerMessage(4, LogLevel.Error, "Connection {Id} ended by a fault.")]
    internal static partial void Fault(ILogger logger, string id, Exception fault);
}
