namespace Ginnel.Interop.House;

/// <summary>How a program ended and what it said.</summary>
readonly record struct CommandResult(int ExitCode, string Output, string Error)
{
    /// <summary>The output, after a check that the program succeeded; a failure shows everything.</summary>
    public string Succeeded()
    {
        Assert.True(ExitCode == 0, $"exit code {ExitCode}\n{Output}\n{Error}");
        return Output;
    }
}
