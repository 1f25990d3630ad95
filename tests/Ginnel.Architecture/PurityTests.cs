namespace Ginnel.Architecture;

/// <summary>The core has no clock, no threads, no I/O, no randomness and no logging: those come in as arguments.</summary>
public class PurityTests
{
    static readonly string[] Pure = ["Ginnel.Wire", "Ginnel.Netstack"];
    static readonly string[] Native = ["Ginnel.Linux", "Ginnel.Crypto"];

    static readonly HashSet<string> BannedTypes = new(StringComparer.Ordinal)
    {
        "System.Threading.Thread", "System.Threading.ThreadPool", "System.Threading.Timer", "System.Threading.SynchronizationContext",
        "System.DateTime", "System.DateTimeOffset", "System.TimeProvider", "System.Diagnostics.Stopwatch", "System.Random",
        "System.Security.Cryptography.RandomNumberGenerator", "System.Console", "System.Environment", "System.IO.File",
        "System.IO.FileStream", "System.IO.Directory", "System.Diagnostics.Process", "System.Runtime.CompilerServices.IAsyncStateMachine",
    };

    static readonly string[] BannedNamespaces =
        ["System.Threading.Tasks", "System.Threading.Channels", "System.Net.Sockets", "System.Net.Http", "Microsoft.Extensions.Logging", "System.Timers"];

    /// <summary>A plain number by which <c>System.Net.IPAddress</c> tells its family; no socket comes with it.</summary>
    const string Harmless = "System.Net.Sockets.AddressFamily";

    static readonly HashSet<string> BannedMembers = new(StringComparer.Ordinal) { "System.Guid.NewGuid", "System.Threading.Monitor.Wait" };

    /// <summary>The compiler's iterators ask for the thread's id; that is no dependence of ours.</summary>
    const string IteratorsMember = "System.Environment.get_CurrentManagedThreadId";

    [Theory]
    [InlineData("Ginnel.Wire")]
    [InlineData("Ginnel.Netstack")]
    public void The_core_uses_no_clock_thread_socket_or_log(string assembly)
    {
        Assert.Contains(assembly, Pure);
        Assert.Empty(Impurities(CompiledAssembly.Load(assembly)));
    }

    [Fact]
    public void Unsafe_code_and_native_imports_stand_in_the_native_projects_only()
    {
        foreach (string assembly in Repository.ShippedProjects().Except(Native))
        {
            Assert.Empty(Nativeness(CompiledAssembly.Load(assembly)));
        }
    }

    [Theory]
    [InlineData("class A { void F() { new System.Threading.Thread(F).Start(); } }")]
    [InlineData("class A { System.Threading.Tasks.Task F() => null; }")]
    [InlineData("class A { async void F() { await System.Threading.Tasks.Task.Yield(); } }")]
    [InlineData("class A { System.Net.Sockets.Socket S; }")]
    [InlineData("class A { object F() => System.DateTime.UtcNow; }")]
    [InlineData("class A { long F() => System.Diagnostics.Stopwatch.GetTimestamp(); }")]
    [InlineData("class A { int F() => System.Random.Shared.Next(); }")]
    [InlineData("class A { void F() => System.Console.WriteLine(); }")]
    [InlineData("class A { long F() => System.Environment.TickCount64; }")]
    [InlineData("class A { object F() => System.Guid.NewGuid(); }")]
    public void The_rule_on_purity_can_fail(string source) => Assert.NotEmpty(Impurities(Sample.Compile("Ginnel.Wire", source)));

    [Fact]
    public void An_iterator_is_pure() =>
        Assert.Empty(Impurities(Sample.Compile("Ginnel.Wire", "class A { System.Collections.Generic.IEnumerable<int> F() { yield return 1; } }")));

    [Theory]
    [InlineData("unsafe class A { int* P; }")]
    [InlineData("class A { [System.Runtime.InteropServices.DllImport(\"libc\")] static extern int getpid(); }")]
    public void The_rule_on_native_code_can_fail(string source) => Assert.NotEmpty(Nativeness(Sample.Compile("Ginnel.Wire", source)));

    static IEnumerable<string> Impurities(CompiledAssembly assembly)
    {
        foreach (string type in assembly.TypesUsed)
        {
            bool banned = BannedTypes.Contains(type) || BannedNamespaces.Any(space => type.StartsWith(space + ".", StringComparison.Ordinal));
            if (banned && type != Harmless && !(type == "System.Environment" && UsesOnlyForIterators(assembly)))
            {
                yield return $"{assembly.Name} uses {type}";
            }
        }

        foreach (string member in assembly.MembersUsed.Where(BannedMembers.Contains))
        {
            yield return $"{assembly.Name} uses {member}";
        }
    }

    static bool UsesOnlyForIterators(CompiledAssembly assembly) =>
        assembly.MembersUsed.Where(member => member.StartsWith("System.Environment.", StringComparison.Ordinal)).All(member => member == IteratorsMember);

    static IEnumerable<string> Nativeness(CompiledAssembly assembly)
    {
        if (assembly.AllowsUnsafe)
        {
            yield return $"{assembly.Name} allows unsafe code; only {string.Join(" and ", Native)} may";
        }

        foreach (string import in assembly.NativeImports)
        {
            yield return $"{assembly.Name} imports the native function {import}";
        }
    }
}
