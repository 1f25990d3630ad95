using System.Globalization;
using System.Text;
using Ginnel.Linux;
using Ginnel.Linux.Launch;
using Ginnel.Linux.Links;

namespace Ginnel.Sandbox.Launch;

/// <summary>
/// The short errand of this executable inside fresh namespaces that were made by a shell: it hands out the door to <c>::1</c>, which no tool
/// of the system makes, and ends. Only where ports are published; without it they reach programs at every address but that one.
/// </summary>
internal static class LoopbackVerb
{
    /// <summary>What follows <see cref="NamespaceVerb.Word"/>.</summary>
    public const string Word = "loopback";

    /// <summary>Hands the door out over the control socket of this number.</summary>
    public static int Run(IReadOnlyList<string> arguments)
    {
        if (arguments.Count < 3 || !int.TryParse(arguments[2], CultureInfo.InvariantCulture, out int number) || number < 0) return 1;
        using ControlSocket control = new(new Descriptor(number));
        return TryHandOut(control) ? 0 : 1;
    }

    /// <summary>Opens the door and hands it out; false where there is none. Nothing is said then: it is not vital.</summary>
    public static bool TryHandOut(ControlSocket control)
    {
        try
        {
            using Descriptor? door = LoopbackDoor.Open();
            return door is not null && control.Send(Encoding.UTF8.GetBytes(ShellScript.LoopbackRequest + "\n"), door) && NamespaceVerb.AwaitAnswer(control);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
