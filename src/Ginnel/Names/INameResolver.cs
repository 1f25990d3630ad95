using System.Net;

namespace Ginnel;

/// <summary>Turns names into addresses.</summary>
public interface INameResolver
{
    /// <summary>
    /// The addresses of a name, in the order in which they should be tried. Only cancellation throws.
    /// </summary>
    /// <param name="name">A host name without port; an IP literal yields itself.</param>
    /// <param name="cancellationToken">Gives the question up.</param>
    ValueTask<NameResult> ResolveAsync(string name, CancellationToken cancellationToken = default);
}

/// <summary>What a name resolves to: addresses, or one failure.</summary>
/// <param name="Addresses">At least one unless it failed.</param>
/// <param name="Failure">Kind none when it did not fail.</param>
public readonly record struct NameResult(IReadOnlyList<IPAddress> Addresses, DialFailure Failure = default)
{
    /// <summary>The name does not exist, or has no address.</summary>
    public static NameResult NotFound(string name) => new([], new DialFailure(DialFailureKind.NameNotFound, name));
}

/// <summary>Knows under which names a host's DNS gave out an address. Bounded and expiring; called for every new flow, hence quick.</summary>
public interface IAddressNames
{
    /// <summary>The names, newest first; empty for none.</summary>
    IReadOnlyList<string> NamesOf(IPAddress address);
}
