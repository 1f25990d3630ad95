using System.Net.Sockets;

namespace Ginnel;

/// <summary>A rule of ours refused a connection; a <see cref="SocketException"/> with <see cref="SocketError.AccessDenied"/> and the rule.</summary>
public sealed class AccessDeniedException : SocketException
{
    /// <summary>A refusal.</summary>
    public AccessDeniedException(string reason) : base((int)SocketError.AccessDenied, $"Access denied: {reason}") => Reason = reason;

    /// <summary>Which rule, and what would be accepted.</summary>
    public string Reason { get; }
}
