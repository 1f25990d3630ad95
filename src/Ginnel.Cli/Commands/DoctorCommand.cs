using Ginnel.Sandbox;

namespace Ginnel.Cli.Commands;

/// <summary><c>ginnel doctor</c>.</summary>
internal static class DoctorCommand
{
    /// <summary>Prints a line for each finding, and below it the remedy.</summary>
    /// <returns>0 when ginnel run works here, else 1.</returns>
    public static async Task<int> RunAsync()
    {
        bool isWell = true;
        foreach (Finding finding in await SandboxDiagnosis.LookAsync(SelfCommand.Words).ConfigureAwait(false))
        {
            string mark = finding.Kind switch
            {
                FindingKind.Good => "ok  ",
                FindingKind.Note => "note",
                _ => "FAIL",
            };
            isWell &= finding.Kind != FindingKind.Bad;
            Console.WriteLine($"{mark}  {finding.Subject,-11} {finding.Text}");
            if (finding.Remedy is { } remedy) Console.WriteLine($"                  to mend it: {remedy}");
        }
        Console.WriteLine(isWell ? "ginnel run works here." : "ginnel run does not work here.");
        return isWell ? 0 : 1;
    }
}
