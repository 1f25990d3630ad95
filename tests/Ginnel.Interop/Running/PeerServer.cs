using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

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

    public const int AfterHalfClose = 10 << 20;

    public static async Task<int> RunAsync(string folder)
    {
        HttpListener http = new();
        http.Prefixes.Add($"http://*:{Http}/");
        // The listener takes "*" for IPv4 alone.
        http.Prefixes.Add($"http://[{TestNetwork.PeerAddressV6}]:{Http}/");
        http.Start();
        Task[] servers =
        [
            ServeHttpAsync(http, folder),
            ListenAsync(SpeaksFirst, SpeakFirstAsync),
            ListenAsync(HalfClose, AnswerAfterEndAsync),
            ListenAsync(Echo, EchoAsync),
            EchoDatagramsAsync(),
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

    private static async Task ServeHttpAsync(HttpListener listener, string folder)
    {
        while (true)
        {
            HttpListenerContext context = await listener.GetContextAsync();
            _ = Task.Run(async () =>
            {
                try
                {
                    await AnswerAsync(context, folder);
                }
                catch (Exception failure) when (failure is HttpListenerException or IOException or ObjectDisposedException)
                {
                    context.Response.Abort();
                }
            });
        }
    }

    private static async Task AnswerAsync(HttpListenerContext context, string folder)
    {
        using HttpListenerResponse response = context.Response;
        string path = context.Request.Url!.AbsolutePath;
        if (context.Request.HasEntityBody)
        {
            byte[] digest = await SHA256.HashDataAsync(context.Request.InputStream);
            await response.OutputStream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(Convert.ToHexStringLower(digest)));
        }
        else if (path.StartsWith("/bytes/", StringComparison.Ordinal))
        {
            long count = long.Parse(path["/bytes/".Length..], CultureInfo.InvariantCulture);
            response.ContentLength64 = count;
            await SendPatternAsync(response.OutputStream, count);
        }
        else if (path.StartsWith("/files/", StringComparison.Ordinal) && File.Exists(Path.Combine(folder, path["/files/".Length..])))
        {
            await response.OutputStream.WriteAsync(await File.ReadAllBytesAsync(Path.Combine(folder, path["/files/".Length..])));
        }
        else
        {
            response.StatusCode = path == "/" ? 200 : 404;
        }
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
