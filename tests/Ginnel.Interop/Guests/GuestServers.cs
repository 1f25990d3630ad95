using Ginnel.Interop.Running;

namespace Ginnel.Interop.Guests;

/// <summary>What listens in the guest, on all its addresses.</summary>
internal static class GuestServers
{
    /// <summary>Echoes, TCP and UDP.</summary>
    public const int Echo = 7;

    /// <summary>Reads to the end of the stream and answers with the SHA-256.</summary>
    public const int Hash = 8;

    /// <summary>Sends <see cref="File"/>.</summary>
    public const int Source = 9;

    /// <summary>A file of <see cref="FileSize"/> bytes: those of <see cref="PeerServer.Fill"/>.</summary>
    public const string File = "/pattern";

    public const int FileSize = 1 << 20;

    // A half-closed stream must be waited for longer than socat would; so must a datagram's sender.
    public static readonly string Start = $"""
        socat TCP6-LISTEN:{Echo},fork,reuseaddr PIPE >/tmp/echo.log 2>&1 &
        socat -T 20 -b 65536 UDP6-LISTEN:{Echo},fork,reuseaddr PIPE >/tmp/datagrams.log 2>&1 &
        socat -t 30 TCP6-LISTEN:{Hash},fork,reuseaddr EXEC:/bin/sha256sum >/tmp/hash.log 2>&1 &
        socat -U TCP6-LISTEN:{Source},fork,reuseaddr OPEN:{File},rdonly >/tmp/source.log 2>&1 &
        # What they refuse before they listen would fail the first test.
        until [ "$(grep -c ' 0A ' /proc/net/tcp6)" -ge 3 ] && grep -q ':{Echo:X4} ' /proc/net/udp6; do sleep 0.1; done
        """;

    public static string HashOfFile { get; } = PeerServer.HashOf(FileSize);
}
