// A network inside one process: an entrance and an exit joined by memory. HTTP goes through two TCP/IP stacks of our own
// and leaves by the exit's ordinary sockets. Run it with: dotnet run --project samples/memory
using System.Net;
using System.Net.Http;
using System.Text;
using Ginnel;

// Something to fetch: a web server of a few lines on this machine's loopback.
await using HostListener web = HostListener.Listen(new IPEndPoint(IPAddress.Loopback, 0));
_ = ServeAsync(web);

// The exit exposes exactly one address. Without it the request below would be refused.
await using ExitInterface exit = VirtualInterface.Exit(new ExitOptions { Expose = [IPNetwork.Parse("127.0.0.1/32")] });
(MemoryLink near, MemoryLink far) = MemoryLink.CreatePair();
exit.Add(far);

// The entrance: three lines, and HttpClient speaks through it.
await using EntranceInterface entrance = VirtualInterface.Entrance(near);
using HttpClient client = new(entrance.CreateHandler());
Console.WriteLine(await client.GetStringAsync(new Uri($"http://{VirtualInterface.ExitLoopbackName}:{((IPEndPoint)web.LocalEndPoint).Port}/")));

// What is not exposed is refused, and says so.
try
{
    await entrance.ConnectAsync(new IPEndPoint(IPAddress.Parse("192.0.2.1"), 80));
}
catch (AccessDeniedException denied)
{
    Console.WriteLine(denied.Message);
}

static async Task ServeAsync(HostListener listener)
{
    while (await listener.AcceptAsync() is { } pending)
    {
        await using DuplexStream stream = await pending.AcceptAsync();
        byte[] request = new byte[4096];
        await stream.ReadAtLeastAsync(request, 1);
        string body = $"Hello from {stream.LocalEndPoint}, said to {stream.RemoteEndPoint}.";
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}"));
    }
}
