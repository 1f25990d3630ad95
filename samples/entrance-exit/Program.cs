// The same between two processes. The second one is an exit that speaks over its standard input and output, as it would at the other end of
// ssh; the first one is the entrance. Run it with: dotnet run --project samples/entrance-exit
using System.Diagnostics;
using System.Net;
using System.Net.Http;
using System.Text;
using Ginnel;

if (args is ["exit", string exposed])
{
    await using ExitInterface exit = VirtualInterface.Exit(new ExitOptions { Expose = [IPNetwork.Parse(exposed)] });
    ExitSession session = exit.Add(new StreamLink(Console.OpenStandardInput(), Console.OpenStandardOutput()));
    await session.Completion;
    return;
}

await using HostListener web = HostListener.Listen(new IPEndPoint(IPAddress.Loopback, 0));
_ = ServeAsync(web);

using Process process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [.. SelfArguments(), "exit", "127.0.0.1/32"])
{
    RedirectStandardInput = true,
    RedirectStandardOutput = true,
})!;
StreamLink link = new(process.StandardOutput.BaseStream, process.StandardInput.BaseStream);
await using (EntranceInterface entrance = VirtualInterface.Entrance(link))
{
    using HttpClient client = new(entrance.CreateHandler());
    Console.WriteLine(await client.GetStringAsync(new Uri($"http://{VirtualInterface.ExitLoopbackName}:{((IPEndPoint)web.LocalEndPoint).Port}/")));
}
// The entrance closed the exit's standard input, and with its link the exit ends.
await process.WaitForExitAsync();
Console.WriteLine($"The exit ended with code {process.ExitCode}.");

// Under "dotnet program.dll" the process is dotnet itself.
static string[] SelfArguments() => Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [Environment.GetCommandLineArgs()[0]] : [];

static async Task ServeAsync(HostListener listener)
{
    while (await listener.AcceptAsync() is { } pending)
    {
        await using DuplexStream stream = await pending.AcceptAsync();
        byte[] request = new byte[4096];
        await stream.ReadAtLeastAsync(request, 1);
        string body = $"Hello from {stream.LocalEndPoint}, fetched through another process.";
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}"));
    }
}
