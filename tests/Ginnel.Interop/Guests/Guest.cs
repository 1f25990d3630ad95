using System.Diagnostics;
using System.Globalization;
using System.Text;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.Guests;

/// <summary>
/// A Linux kernel of its own in QEMU, without KVM: with a network card on a TAP device of a namespace, and a shell that takes orders over a
/// serial line.
/// </summary>
internal sealed class Guest : IAsyncDisposable
{
    private static readonly TimeSpan BootPatience = TimeSpan.FromSeconds(150);
    private readonly Process _machine;
    private readonly string _console;
    private readonly SemaphoreSlim _line = new(1, 1);
    private readonly Task<string> _complaints;

    private Guest(Process machine, string console)
    {
        (_machine, _console) = (machine, console);
        _complaints = machine.StandardError.ReadToEndAsync();
    }

    /// <summary>Boots one.</summary>
    /// <param name="files">What it boots.</param>
    /// <param name="folder">Where its image and its console's log are written.</param>
    /// <param name="netns">The namespace of its TAP device.</param>
    /// <param name="tap">The TAP device, which must be there.</param>
    /// <param name="lifetime">It ends after so long, whatever happens.</param>
    public static async Task<Guest> BootAsync(GuestFiles files, string folder, string netns, string tap, TimeSpan lifetime)
    {
        string image = Path.Combine(folder, "initrd"), console = Path.Combine(folder, "console");
        await GuestImage.WriteAsync(image, files);
        string seconds = ((int)lifetime.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        Process machine = Caller.Start(Who.Root,
        [
            "timeout", "-k", "5", seconds, "qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "384", "-nodefaults", "-no-user-config", "-no-reboot",
            "-display", "none", "-kernel", files.Kernel, "-initrd", image,
            "-append", $"console=ttyS0 quiet panic=-1 random.trust_cpu=on guest_seconds={seconds}",
            "-netdev", $"tap,id=cable,ifname={tap},script=no,downscript=no", "-device", "virtio-net-pci,netdev=cable,romfile=",
            "-serial", $"file:{console}", "-chardev", "stdio,id=orders,signal=off", "-serial", "chardev:orders",
        ], ["ip", "netns", "exec", netns]);
        Guest guest = new(machine, console);
        try
        {
            string? greeting = await guest.ReadLineAsync(BootPatience);
            Assert.True(greeting == "ready", await guest.DescribeAsync($"the guest did not boot; it said {greeting ?? "nothing"}"));
            return guest;
        }
        catch
        {
            await guest.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a script in the guest; what it prints, errors too. One at a time.</summary>
    public async Task<Outcome> RunAsync(string script, int seconds = 90)
    {
        await _line.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            string order = Convert.ToBase64String(Encoding.UTF8.GetBytes(script));
            await _machine.StandardInput.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{seconds} {order}"));
            await _machine.StandardInput.FlushAsync();
            string answer = await ReadLineAsync(TimeSpan.FromSeconds(seconds + 15)) ?? throw new IOException(await DescribeAsync("the guest is gone"));
            string[] parts = answer.Split(' ');
            return new Outcome(int.Parse(parts[0], CultureInfo.InvariantCulture), Encoding.UTF8.GetString(Convert.FromBase64String(parts[1])), "");
        }
        finally
        {
            _line.Release();
        }
    }

    /// <summary>Likewise, of a script that has to succeed.</summary>
    public async Task<string> DoAsync(string script, int seconds = 90)
    {
        Outcome outcome = await RunAsync("set -e\n" + script, seconds);
        if (outcome.ExitCode != 0) Assert.Fail(await DescribeAsync($"in the guest this ended with {outcome.ExitCode}:\n{script}\n{outcome.Output}"));
        return outcome.Output;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_machine.HasExited) _machine.Kill(entireProcessTree: true);
        await _machine.WaitForExitAsync();
        _machine.Dispose();
        _line.Dispose();
    }

    private async Task<string?> ReadLineAsync(TimeSpan patience)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(patience);
        try
        {
            return (await _machine.StandardOutput.ReadLineAsync(limit.Token))?.TrimEnd('\r');
        }
        catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException(await DescribeAsync($"the guest said nothing for {patience.TotalSeconds} s"));
        }
    }

    /// <summary>A message with the end of what the console and QEMU printed.</summary>
    private async Task<string> DescribeAsync(string message)
    {
        string console = File.Exists(_console) ? await File.ReadAllTextAsync(_console) : "";
        string complaints = _machine.HasExited ? await _complaints : "";
        return $"{message}\n--- console\n{console[Math.Max(0, console.Length - 4_000)..]}\n--- QEMU\n{complaints}";
    }
}
