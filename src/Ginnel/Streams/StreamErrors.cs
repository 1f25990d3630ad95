using System.Net.Sockets;

namespace Ginnel;

/// <summary>The exceptions of <see cref="NetworkStream"/>: what callers of streams already know how to handle.</summary>
internal static class StreamErrors
{
    internal static IOException Read(SocketError code) => Wrap("Unable to read data from the transport connection", code);

    internal static IOException Write(SocketError code) => Wrap("Unable to write data to the transport connection", code);

    internal static IOException Read(Exception hostEnded) => new($"Unable to read data from the transport connection: {hostEnded.Message}", hostEnded);

    internal static IOException Write(Exception hostEnded) => new($"Unable to write data to the transport connection: {hostEnded.Message}", hostEnded);

    private static IOException Wrap(string what, SocketError code)
    {
        SocketException inner = new((int)code);
        return new IOException($"{what}: {inner.Message}.", inner);
    }
}
