using System.Globalization;
using Ginnel.Netstack;

namespace Ginnel.Testing;

/// <summary>A simulation broke an invariant. The message names the seed, with which the same happens again, and the virtual time.</summary>
public sealed class SimulationException : Exception
{
    /// <summary>An exception for what happened in the simulation of this seed at this time after its start.</summary>
    public SimulationException(string what, ulong seed, TimeSpan at)
        : base(string.Create(CultureInfo.InvariantCulture, $"seed {seed}, {at.TotalSeconds:0.000000} s: {what}"))
    {
        Seed = seed;
        At = at;
    }

    /// <summary>The seed of the simulation.</summary>
    public ulong Seed { get; }

    /// <summary>Virtual time since the start.</summary>
    public TimeSpan At { get; }
}
