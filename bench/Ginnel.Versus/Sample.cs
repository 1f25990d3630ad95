using System.Globalization;

namespace Ginnel.Versus;

/// <summary>One measured number, as a line of the file in which the pieces of a run are gathered.</summary>
/// <param name="What">The cell or the case.</param>
/// <param name="Who">The stack at each end, or the flow.</param>
/// <param name="Round">Which round, hence which seed.</param>
/// <param name="Value">Bits per second of goodput.</param>
internal sealed record Sample(string What, string Who, int Round, double Value)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{What}\t{Who}\t{Round}\t{Value:0}");

    internal static Sample Parse(string line)
    {
        string[] fields = line.Split('\t');
        return new Sample(fields[0], fields[1], int.Parse(fields[2], CultureInfo.InvariantCulture), double.Parse(fields[3], CultureInfo.InvariantCulture));
    }
}
