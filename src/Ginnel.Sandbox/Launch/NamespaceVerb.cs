using System.Globalization;
using System.Text;
using Ginnel.Linux;
using Ginnel.Linux.Launch;
using Ginnel.Linux.Links;
using Ginnel.Linux.Native;
using Ginnel.Sandbox.Launch;

namespace Ginnel.Sandbox;

/// <summary>
/// What runs inside the fresh namespaces when the short way is not to be had: the executable must call <see cref="Run"/> when its first
/// argument is <see cref="Word"/>, before it does anything else.
/// </summary>
public static class NamespaceVerb
{
    /// <summary>The hidden verb.</summary>
    public const string Word = "__netns";

    private const int CannotExecute = 126, NotFound = 127, OurFailure = 125;

    /// <summary>Does its work and becomes the command. Returns only with the exit code of a failure.</summary>
    /// <param name="arguments">What Main got: the verb, a descriptor's number, the command. Wrong ones yield 125.</param>
    public static int Run(IReadOnlyList<string> arguments)
    {
        if (arguments is [_, LoopbackVerb.Word, ..]) return LoopbackVerb.Run(arguments);
        if (arguments.Count < 3 || !int.TryParse(arguments[1], CultureInfo.InvariantCulture, out int number) || number < 3)
            return OurFailure;
        using ControlSocket control = new(new Descriptor(number));
        if (Descriptors.fcntl(number, Descriptors.SetDescriptorFlags, Descriptors.CloseOnExecFlag) != 0) return OurFailure;
        LaunchSheet sheet;
        try
        {
            if (!Ask(control, ShellScript.MapsRequest)) return OurFailure;
            using ControlStream stream = new(control);
            sheet = LaunchSheet.Read(stream);
            Prepare(sheet, control);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            control.Send(Encoding.UTF8.GetBytes(failure.Message + "\n"));
            return OurFailure;
        }
        return Ask(control, ShellScript.ReadyRequest) ? Become(sheet, arguments.Count - 2) : OurFailure;
    }

    private static void Prepare(LaunchSheet sheet, ControlSocket control)
    {
        using (Descriptor device = NamespaceSetup.MakeDevice(sheet, out TunOffloads offloads))
        {
            string request = FormattableString.Invariant($"{ShellScript.DeviceRequest} {(int)offloads}\n");
            if (!control.Send(Encoding.UTF8.GetBytes(request), device) || !AwaitAnswer(control))
            {
                throw new IOException("The gateway is gone.");
            }
        }
        Failing(ShellScript.NoNetwork, control, () => NamespaceSetup.Configure(sheet));
        if (sheet.OpensLoopback && sheet.V6 is not null) LoopbackVerb.TryHandOut(control);
        Failing(ShellScript.NoCover, control, () => NamespaceSetup.Cover(sheet));
        NamespaceSetup.Tune(sheet);
    }

    /// <summary>Tells which step failed, by the code that the shell's script would exit with.</summary>
    private static void Failing(int code, ControlSocket control, Action step)
    {
        try
        {
            step();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            control.Send(Encoding.UTF8.GetBytes(FormattableString.Invariant($"{ShellScript.FailedReport} {code}\n")));
            throw;
        }
    }

    private static int Become(LaunchSheet sheet, int words)
    {
        InheritedState inherited = InheritedState.Read(sheet.IgnoredSignals, 0);
        IReadOnlyList<byte[]> command = InheritedState.LastArguments(words);
        if (sheet.DropsCapabilities) Namespaces.DropInheritableCapabilities();
        ProgramReplacement.RestoreSignals(sheet.IgnoredSignals, sheet.BlockedSignals);
        // The first variable is the one that was added for this process.
        int error = ProgramReplacement.Execute(command, [.. inherited.Environment.Skip(1)]);
        Console.Error.WriteLine($"ginnel: {new LinuxException("execve", error, Encoding.UTF8.GetString(command[0])).Message}");
        return error is Errno.NoEntry or Errno.NotDirectory ? NotFound : CannotExecute;
    }

    private static bool Ask(ControlSocket control, string request) =>
        control.Send(Encoding.UTF8.GetBytes(request + "\n")) && AwaitAnswer(control);

    internal static bool AwaitAnswer(ControlSocket control)
    {
        Span<byte> buffer = stackalloc byte[3]; // "go\n", and not a byte of what follows
        int have = 0;
        while (have < buffer.Length)
        {
            int count = control.Receive(buffer[have..], -1, out Descriptor? passed);
            passed?.Dispose();
            if (count <= 0) return false;
            have += count;
        }
        return true;
    }
}
