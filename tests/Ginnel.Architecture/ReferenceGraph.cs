namespace Ginnel.Architecture;

/// <summary>
/// Who may know whom. The direction is what matters: protocol knows no I/O, links know no products, products are wiring.
/// </summary>
static class ReferenceGraph
{
    /// <summary>Each assembly's stated references; what those reference may be used as well.</summary>
    static readonly Dictionary<string, string[]> Stated = new(StringComparer.Ordinal)
    {
        ["Ginnel.Wire"] = [],
        ["Ginnel.Netstack"] = ["Ginnel.Wire"],
        ["Ginnel"] = ["Ginnel.Netstack"],
        ["Ginnel.Policy"] = ["Ginnel.Wire"],
        ["Ginnel.Services"] = ["Ginnel", "Ginnel.Policy"],
        ["Ginnel.ProxyProtocols"] = ["Ginnel"],
        ["Ginnel.Crypto"] = [],
        ["Ginnel.WireGuard"] = ["Ginnel", "Ginnel.Crypto"],
        ["Ginnel.Linux"] = ["Ginnel"],
        ["Ginnel.Links.WebSocket"] = ["Ginnel"],
        ["Ginnel.Links.Quic"] = ["Ginnel"],
        ["Ginnel.Links.WebRtc"] = ["Ginnel"],
        ["Ginnel.Links.Libp2p"] = ["Ginnel"],
        ["Ginnel.Testing"] = ["Ginnel"],
        ["Ginnel.AspNetCore"] = ["Ginnel"],
        ["Ginnel.Sandbox"] = ["Ginnel.Services", "Ginnel.ProxyProtocols", "Ginnel.Linux"],
        ["Ginnel.Proxy"] = ["Ginnel.Services", "Ginnel.ProxyProtocols", "Ginnel.WireGuard", "Ginnel.Linux"],
        ["Ginnel.Gateway"] = ["Ginnel.Services", "Ginnel.Links.WebSocket", "Ginnel.Links.WebRtc", "Ginnel.Linux"],
        ["Ginnel.Cli"] = ["Ginnel.Sandbox", "Ginnel.Proxy", "Ginnel.Gateway", "Ginnel.Links.Quic", "Ginnel.Links.Libp2p", "Ginnel.AspNetCore"],
    };

    /// <summary>Packages' and shared frameworks' assemblies that a project may use besides the base library.</summary>
    static readonly Dictionary<string, string[]> Foreign = new(StringComparer.Ordinal)
    {
        ["Ginnel.Cli"] = ["Microsoft.AspNetCore", "Microsoft.Extensions"],
        ["Ginnel.Gateway"] = ["Microsoft.AspNetCore", "Microsoft.Extensions"],
        ["Ginnel.AspNetCore"] = ["Microsoft.AspNetCore", "Microsoft.Extensions"],
        ["Ginnel.Links.WebSocket"] = ["Microsoft.AspNetCore", "Microsoft.Extensions"],
    };

    static readonly HashSet<string> BaseLibrary = new(StringComparer.Ordinal) { "netstandard", "mscorlib", "Microsoft.Win32.Primitives" };

    public static bool Knows(string assembly) => Stated.ContainsKey(assembly);

    /// <summary>One sentence for each reference that the graph does not have.</summary>
    public static IEnumerable<string> Violations(string assembly, IEnumerable<string> references)
    {
        if (!Knows(assembly))
        {
            yield return $"{assembly} is not in the graph: say in ReferenceGraph.cs what it may reference";
            yield break;
        }

        HashSet<string> allowed = Closure(assembly);
        foreach (string reference in references.Order(StringComparer.Ordinal))
        {
            if (!allowed.Contains(reference) && !IsForeignAllowed(assembly, reference))
            {
                yield return $"{assembly} references {reference}; it may reference {Describe(allowed)}";
            }
        }
    }

    static string Describe(HashSet<string> allowed) =>
        allowed.Count == 0 ? "the base library only" : string.Join(", ", allowed.Order(StringComparer.Ordinal));

    static bool IsForeignAllowed(string assembly, string reference)
    {
        if (Foreign.TryGetValue(assembly, out string[]? own) && own.Any(prefix => IsWithin(reference, prefix)))
        {
            return true;
        }

        bool packaged = Foreign.Values.Any(list => list.Any(prefix => IsWithin(reference, prefix)));
        return !packaged && (IsWithin(reference, "System") || BaseLibrary.Contains(reference));
    }

    static bool IsWithin(string reference, string prefix) =>
        reference == prefix || reference.StartsWith(prefix + ".", StringComparison.Ordinal);

    static HashSet<string> Closure(string assembly)
    {
        HashSet<string> all = new(StringComparer.Ordinal);
        Stack<string> open = new(Stated[assembly]);
        while (open.TryPop(out string? next))
        {
            if (all.Add(next))
            {
                foreach (string further in Stated[next])
                {
                    open.Push(further);
                }
            }
        }

        return all;
    }
}
