using Ginnel.Linux.Launch;
using Ginnel.Sandbox;

namespace Ginnel.Interop.Sandboxes;

/// <summary>A gateway with no stack behind it: launches a command as <c>ginnel run</c> does, and answers echo requests if asked to.</summary>
internal static class SandboxDriver
{
    public const string Word = "__sandbox";

    public static async Task<int> RunAsync(string[] words)
    {
        CallerRecord caller = CallerRecord.Take(ref words);
        int options = Array.IndexOf(words, "--");
        string[] own = words[..options];
        LaunchOptions launch = new()
        {
            Command = InheritedState.LastArguments(words.Length - options - 1),
            Device = Enum.Parse<DeviceChoice>(Value(own, "--device") ?? "Automatic"),
            Caller = caller,
            AsRoot = own.Contains("--root"),
            Mtu = int.Parse(Value(own, "--mtu") ?? "1500", System.Globalization.CultureInfo.InvariantCulture),
            V6 = own.Contains("--no-ipv6") ? null : AddressPlan.DefaultV6,
        };
        try
        {
            await using SandboxProcess process = await SandboxProcess.StartAsync(launch);
            if (own.Contains("--describe")) Console.Error.WriteLine($"identity {process.Identity} way {process.Way}");
            using SignalForwarder signals = new(process);
            process.Release();
            return (await process.Exited).Imitate();
        }
        catch (LaunchException failure)
        {
            Console.Error.WriteLine($"{failure.Failure}: {failure.Message} | {failure.Remedy}");
            return failure.ExitCode;
        }
    }

    private static string? Value(string[] words, string name) => Array.IndexOf(words, name) is >= 0 and var at ? words[at + 1] : null;
}
