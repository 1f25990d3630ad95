using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Ginnel.Interop.Running;

/// <summary>The servers that programs under <c>ginnel run</c> talk to; a process of its own in the peer's namespace.</summary>
internal static class PeerServer
{
    public const string Word = "__peer";

    /// <summary>HTTP: <c>/bytes/N</c>, <c>/files/PATH</c>, and any upload, answered by its SHA-256.</summary>
    public const int Http = 8080;

    /// <summary>Says something at once and echoes a line.</summary>
    public const int SpeaksFirst = 7001;

    /// <summary>Reads until the end of the stream, then sends <see cref="AfterHalfClose"/> bytes.</summary>
    public const int HalfClose = 7002;

    /// <summary>Echoes, UDP and TCP.</summary>
    public const int Echo = 7003;

    /// <summary>Reads slowly; what it has read is written to the file <see cref="SlowFile"/> when the stream has ended, whole or broken.</summary>
    public const int Slow = 7004;

    public const string SlowFile = "slow";

    /// <summary>Keeps each datagram as a file named by its text.</summary>
    public const int Keeper = 7005;

    public const int AfterHalfClose = 10 << 20;

    public static async Task<int> RunAsync(string folder)
    {
        Task[] servers =
        [
            ListenAsync(Http, socket => AnswerAsync(socket, folder)),
            ListenAsync(SpeaksFirst, SpeakFirstAsync),
            ListenAsync(HalfClose, AnswerAfterEndAsync),
            ListenAsync(Echo, EchoAsync),
            EchoDatagramsAsync(),
            ListenAsync(Slow, socket => ReadSlowlyAsync(socket, folder)),
            KeepDatagramsAsync(folder),
        ];
        Console.Out.WriteLine("ready");
        Console.Out.Flush();
        // Ends with the test: its end of our standard input closes.
        await Task.WhenAny([.. servers, Task.Run(() => Console.In.ReadToEnd())]);
        return 0;
    }

    /// <summary>The bytes of <c>/bytes/N</c>: the same for everyone who counts.</summary>
    public static void Fill(Span<byte> buffer, long offset)
    {
        for (int i = 0; i < buffer.Length; i++)
        {
            long at = offset + i;
            buffer[i] = (byte)(at * 31 + (at >> 8) * 7 + (at >> 16));
        }
    }

    public static string HashOf(long count)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[1 << 16];
        for (long at = 0; at < count; at += buffer.Length)
        {
            int length = (int)Math.Min(buffer.Length, count - at);
            Fill(buffer.AsSpan(0, length), at);
            hash.AppendData(buffer, 0, length);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>As much of HTTP/1.1 as curl and git need: one request per connection.</summary>
    private static async Task AnswerAsync(Socket socket, string folder)
    {
        await using NetworkStream stream = new(socket);
        byte[] buffer = new byte[1 << 16];
        int filled = 0, end;
        while ((end = buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8)) < 0)
        {
            int count = await stream.ReadAsync(buffer.AsMemory(filled));
            if (count == 0) return;
            filled += count;
        }
        string[] lines = Encoding.ASCII.GetString(buffer, 0, end).Split("\r\n");
        string path = lines[0].Split(' ')[1].Split('?')[0];
        string? Field(string name) => lines.FirstOrDefault(l => l.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))?[(name.Length + 1)..].Trim();
        if (Field("Content-Length") is { } announced)
        {
            if (Field("Expect") is not null) await stream.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray());
            string digest = await DigestAsync(stream, buffer.AsMemory(end + 4, filled - end - 4), long.Parse(announced, CultureInfo.InvariantCulture));
            await RespondAsync(stream, 200, digest.Length);
            await stream.WriteAsync(Encoding.ASCII.GetBytes(digest));
        }
        else if (path.StartsWith("/bytes/", StringComparison.Ordinal))
        {
            long count = long.Parse(path["/bytes/".Length..], CultureInfo.InvariantCulture);
            await RespondAsync(stream, 200, count);
            await SendPatternAsync(stream, count);
        }
        else if (path.StartsWith("/files/", StringComparison.Ordinal) && File.Exists(Path.Combine(folder, path["/files/".Length..])))
        {
            byte[] file = await File.ReadAllBytesAsync(Path.Combine(folder, path["/files/".Length..]));
            await RespondAsync(stream, 200, file.Length);
            await stream.WriteAsync(file);
        }
        else
        {
            await RespondAsync(stream, path == "/" ? 200 : 404, 0);
        }
        socket.Shutdown(SocketShutdown.Send);
        while (await stream.ReadAsync(buffer) > 0)
        {
        }
    }

    private static ValueTask RespondAsync(NetworkStream stream, int status, long length) =>
        stream.WriteAsync(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} {(status == 200 ? "OK" : "Not Found")}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")));

    private static async Task<string> DigestAsync(NetworkStream stream, ReadOnlyMemory<byte> begun, long length)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(begun.Span);
        byte[] buffer = new byte[1 << 16];
        for (long left = length - begun.Length; left > 0;)
        {
            int count = await stream.ReadAsync(buffer);
            if (count == 0) break;
            hash.AppendData(buffer, 0, count);
            left -= count;
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static async Task SendPatternAsync(Stream stream, long count)
    {
        byte[] buffer = new byte[1 << 16];
        for (long at = 0; at < count; at += buffer.Length)
        {
            int length = (int)Math.Min(buffer.Length, count - at);
            Fill(buffer.AsSpan(0, length), at);
            await stream.WriteAsync(buffer.AsMemory(0, length));
        }
    }

    private static async Task ListenAsync(int port, Func<Socket, Task> serve)
    {
        Socket listener = new(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true };
        listener.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
        listener.Listen(2048);
        while (true)
        {
            Socket socket = await listener.AcceptAsync();
            _ = Task.Run(async () =>
            {
                try
                {
                    using (socket) await serve(socket);
                }
                catch (SocketException)
                {
                }
                catch (IOException)
                {
                }
            });
        }
    }

    private static async Task SpeakFirstAsync(Socket socket)
    {
        await socket.SendAsync("220 welcome\r\n"u8.ToArray());
        byte[] buffer = new byte[512];
        int count = await socket.ReceiveAsync(buffer);
        await socket.SendAsync(buffer.AsMemory(0, count));
        socket.Shutdown(SocketShutdown.Both);
    }

    private static async Task AnswerAfterEndAsync(Socket socket)
    {
        byte[] buffer = new byte[1 << 16];
        while (await socket.ReceiveAsync(buffer) > 0)
        {
        }
        using NetworkStream stream = new(socket);
        await SendPatternAsync(stream, AfterHalfClose);
        socket.Shutdown(SocketShutdown.Send);
    }

    private static async Task EchoAsync(Socket socket)
    {
        byte[] buffer = new byte[1 << 16];
        for (int count; (count = await socket.ReceiveAsync(buffer)) > 0;) await socket.SendAsync(buffer.AsMemory(0, count));
        socket.Shutdown(SocketShutdown.Send);
    }

    private static async Task ReadSlowlyAsync(Socket socket, string folder)
    {
        // The small buffer keeps the data at the sender: where it would be lost.
        socket.ReceiveBufferSize = 16 << 10;
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[1 << 17];
        // By now its sender has ended.
        await Task.Delay(700);
        try
        {
            for (int count; (count = await socket.ReceiveAsync(buffer)) > 0; await Task.Delay(5)) hash.AppendData(buffer, 0, count);
        }
        finally
        {
            string file = Path.Combine(folder, SlowFile);
            await File.WriteAllTextAsync(file + ".part", Convert.ToHexStringLower(hash.GetHashAndReset()));
            File.Move(file + ".part", file);
        }
    }

    private static async Task KeepDatagramsAsync(string folder)
    {
        using Socket socket = new(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp) { DualMode = true };
        socket.Bind(new IPEndPoint(IPAddress.IPv6Any, Keeper));
        byte[] buffer = new byte[512];
        while (true)
        {
            int count = await socket.ReceiveAsync(buffer);
            await File.WriteAllBytesAsync(Path.Combine(folder, Encoding.ASCII.GetString(buffer, 0, count).Trim()), []);
        }
    }

    private static async Task EchoDatagramsAsync()
    {
        Socket socket = new(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp) { DualMode = true };
        socket.Bind(new IPEndPoint(IPAddress.IPv6Any, Echo));
        byte[] buffer = new byte[65_535];
        IPEndPoint anyone = new(IPAddress.IPv6Any, 0);
        while (true)
        {
            SocketReceiveFromResult got = await socket.ReceiveFromAsync(buffer, anyone);
            await socket.SendToAsync(buffer.AsMemory(0, got.ReceivedBytes), got.RemoteEndPoint);
        }
    }
}
