using Ginnel.Wire;

namespace Ginnel.Fuzz;

/// <summary>
/// Level 6: mutated samples into every parser, seeded, 100,000 in all, a million with GINNEL_LONG=1. A failure prints the seed and
/// the input in hexadecimal: put it into <c>corpus/NAME.hex</c> with the fix.
/// </summary>
public sealed class ParserFuzzTests
{
    private const int Seed = 20261121;
    private static readonly int Total = Environment.GetEnvironmentVariable("GINNEL_LONG") == "1" ? 1_000_000 : 100_000;

    public static TheoryData<string> Names() => [.. ParserTarget.All.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void NoInputThrowsOrGrowsAnything(string name)
    {
        ParserTarget target = ParserTarget.Find(name);
        IReadOnlyList<byte[]> corpus = Corpus.Load(name);
        Assert.NotEmpty(corpus);
        int count = Total / ParserTarget.All.Length + 1, accepted = 0;
        Mutator mutator = new(Seed, corpus);
        foreach (byte[] sample in corpus) Run(target, sample);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (int i = 0; i < count; i++)
            if (Run(target, mutator.Next()) == DropReason.None) accepted++;
        long grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        Assert.True(grown < 1 << 20, $"{name}: the heap grew by {grown} bytes over {count} inputs");
        // A mutator that only ever makes rubbish tests nothing but the first check.
        Assert.True(accepted > count / 100, $"{name}: only {accepted} of {count} inputs were accepted");
        Assert.True(accepted < count, $"{name}: no input was refused");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void ParsingAllocatesNothing(string name)
    {
        ParserTarget target = ParserTarget.Find(name);
        if (target.MayAllocate) return;
        Mutator mutator = new(Seed + 1, Corpus.Load(name));
        for (int i = 0; i < 200; i++) target.Touch(mutator.Next());
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 2000; i++) target.Touch(mutator.Next());
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static DropReason Run(ParserTarget target, ReadOnlySpan<byte> input)
    {
        try
        {
            return target.Touch(input);
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException($"{target.Name}, seed {Seed}, input {Convert.ToHexString(input)}: {exception.Message}", exception);
        }
    }
}
