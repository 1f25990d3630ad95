using System.Globalization;

namespace Ginnel.Netstack.Tests.Simulation;

/// <summary>Seeds that once failed, a line each with the reason behind a <c>#</c>; kept for ever.</summary>
static class SeedFile
{
    public static IEnumerable<ulong> Read(string name)
    {
        string path = Path.Combine(AppContext.BaseDirectory, "Simulation", name);
        foreach (string line in File.ReadLines(path))
        {
            string seed = line.Split('#')[0].Trim();
            if (seed.Length > 0) yield return ulong.Parse(seed, CultureInfo.InvariantCulture);
        }
    }
}
