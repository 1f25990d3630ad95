using System.Net.Sockets;

namespace Ginnel.Macro.Workers;

/// <summary>The congestion control that the ends of a measurement use.</summary>
internal static class CongestionChoice
{
    internal const string Name = "cubic";
    private const int TcpLevel = 6, TcpCongestion = 13;

    /// <summary>Whether this process may choose: the root of its namespace. Else both ends use what the machine does, and the report says so.</summary>
    internal static bool IsPossible => Environment.IsPrivilegedProcess;

    /// <summary>Chooses it for a socket, and with a listener for what it accepts. Needs the namespace's CAP_NET_ADMIN where the machine restricts it.</summary>
    /// <exception cref="SocketException">It may not be chosen: a figure would not be what its row says.</exception>
    internal static void Apply(Socket socket) => socket.SetRawSocketOption(TcpLevel, TcpCongestion, "cubic"u8);
}
