using System.Globalization;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.Differential;

/// <summary>
/// The same random exchanges against the Linux kernel and against ours, step by step: what each sends, and what its application gets.
/// Whatever differs is in <see cref="KnownDifferences"/> with its reason, or fails with the seed, made as small as it can be, and both
/// traces side by side.
/// </summary>
public sealed class DifferentialTests
{
    // Most of the time goes by in waiting for timers, so several namespaces are at it.
    private const int Processes = 4;
    private const int SeedsEach = 150;
    private const int LongSeedsEach = 5_000;

    [Fact]
    public async Task The_kernel_and_ours_do_the_same_or_the_difference_is_explained()
    {
        Caller.RequireRoot();
        Assert.SkipUnless(File.Exists("/dev/net/tun"), "there is no /dev/net/tun");
        bool isLong = Environment.GetEnvironmentVariable("GINNEL_LONG") is not null;
        int seeds = isLong ? LongSeedsEach : SeedsEach;
        TimeSpan patience = TimeSpan.FromMinutes(isLong ? 60 : 10);
        Outcome[] outcomes = await Task.WhenAll(Enumerable.Range(0, Processes).Select(at => CompareAsync(1 + at * seeds, seeds, patience)));
        foreach (Outcome outcome in outcomes)
        {
            TestContext.Current.TestOutputHelper?.WriteLine(outcome.Output);
            string system = Environment.OSVersion.VersionString;
            Assert.True(outcome.ExitCode == 0, $"on {system} (left the kernel, right ours):\n{outcome.Output}{outcome.Errors}");
            string all = string.Create(CultureInfo.InvariantCulture, $"{seeds} exchanges, 0 differ");
            Assert.Contains(all, outcome.Output, StringComparison.Ordinal);
        }
    }

    private static Task<Outcome> CompareAsync(int first, int count, TimeSpan patience)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        string[] words = ["unshare", "--net", Caller.Self, DifferentialProgram.Word, first.ToString(culture), count.ToString(culture)];
        return Caller.RunAsync(Who.Root, words, [], patience);
    }

    [Fact]
    public void Every_known_difference_has_a_name_of_its_own_and_a_reason_that_cites_a_standard()
    {
        Assert.Equal(KnownDifferences.All.Count, KnownDifferences.All.Select(known => known.Name).Distinct().Count());
        Assert.All(KnownDifferences.All, known => Assert.Matches(@"RFC\s+\d+", known.Reason));
    }
}
