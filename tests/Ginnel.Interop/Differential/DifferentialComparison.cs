using System.Globalization;
using System.Net;
using System.Text;
using Ginnel.Wire;

namespace Ginnel.Interop.Differential;

/// <summary>Where two systems differ.</summary>
internal sealed record Difference(Exchange Exchange, IReadOnlyList<StepSeen> Kernel, IReadOnlyList<StepSeen> Ours, int Step)
{
    /// <summary>Both traces side by side, up to the step that differs.</summary>
    public string Describe()
    {
        const int Width = 62;
        CultureInfo culture = CultureInfo.InvariantCulture;
        StringBuilder text = new();
        text.AppendLine(culture, $"seed {Exchange.Seed} ({Exchange}):");
        for (int i = 0; i <= Step; i++)
        {
            text.AppendLine(culture, $"{(i == Step ? "*" : " ")}{i,3} {Exchange.Steps[i]}");
            string[] left = [.. Kernel[i].Lines], right = [.. Ours[i].Lines];
            for (int line = 0; line < Math.Max(left.Length, right.Length); line++)
            {
                string one = line < left.Length ? left[line] : "", other = line < right.Length ? right[line] : "";
                text.AppendLine(culture, $"       {one.PadRight(Width)} | {other}");
            }
        }
        return text.ToString();
    }
}

/// <summary>Runs exchanges against the kernel and against ours, and looks for differences that nobody has explained.</summary>
internal sealed class DifferentialComparison(KernelNetwork network)
{
    // A step that is not to wait and takes longer may have met a timer: the shortest are those of 40 and of 200 ms.
    private static readonly TimeSpan Undisturbed = TimeSpan.FromMilliseconds(25);
    private const int MostRuns = 6;
    private readonly SortedDictionary<string, int> _explained = [];
    private int _runs;

    public long Steps { get; private set; }

    /// <summary>Runs that were repeated because the machine had been too slow, or to see whether a difference stays.</summary>
    public int Repeated { get; private set; }

    public int Disturbed { get; private set; }

    public string Explained() => _explained.Count == 0 ? "none" : string.Join(", ", _explained.Select(each => $"{each.Key} {each.Value}"));

    /// <summary>The first unexplained difference, if it is there again and again.</summary>
    public Difference? Compare(Exchange exchange)
    {
        Difference? found = null;
        int undisturbed = 0;
        for (int run = 0; run < MostRuns; run++)
        {
            if (run > 0) Repeated++;
            (Difference? difference, bool disturbed) = CompareOnce(exchange);
            if (disturbed) continue;
            if (difference is null) return null;
            found = difference;
            if (++undisturbed == 2) return found;
        }
        if (undisturbed == 0) Disturbed++;
        return undisturbed == 0 ? null : found;
    }

    private (Difference? Difference, bool Disturbed) CompareOnce(Exchange exchange)
    {
        int number = ++_runs;
        // Endpoints that were never used before: nothing is left of former runs.
        ushort systemPort = (ushort)(1024 + number % 60_000), peerPort = (ushort)(2000 + number * 7 % 50_000);
        string host = string.Create(CultureInfo.InvariantCulture, $"{number >> 8 & 0x7F}.{number & 0xFF}");
        string peerText = exchange.IsV6 ? string.Create(CultureInfo.InvariantCulture, $"fd78::{number:x}") : $"10.78.{host}";
        IPAddress local = exchange.IsV6 ? KernelNetwork.AddressV6 : KernelNetwork.AddressV4;
        IPAddress peer = IPAddress.Parse(number % 256 == 0 && !exchange.IsV6 ? "10.78.200.1" : peerText);
        IpAddress system = IpAddress.From(local), other = IpAddress.From(peer);
        using StackSubject stack = new(exchange, new IpEndpoint(system, systemPort), new IpEndpoint(other, peerPort));
        ScriptedPeer ourPeer = new(exchange, other, system, peerPort, systemPort);
        IReadOnlyList<StepSeen> ours = new ExchangeRun(exchange, stack, ourPeer).Run();
        using KernelSubject kernelSubject = new(network, exchange, new IPEndPoint(local, systemPort), new IPEndPoint(peer, peerPort));
        ExchangeRun kernelRun = new(exchange, kernelSubject, new ScriptedPeer(exchange, other, system, peerPort, systemPort));
        IReadOnlyList<StepSeen> kernel = kernelRun.Run();
        Steps += exchange.Steps.Count;
        return (First(exchange, kernel, ours), kernelRun.LongestStep > Undisturbed);
    }

    private Difference? First(Exchange exchange, IReadOnlyList<StepSeen> kernel, IReadOnlyList<StepSeen> ours)
    {
        bool receivedOnly = false;
        for (int i = 0; i < exchange.Steps.Count; i++)
        {
            if (receivedOnly && ReceivedSide.EndsAt(exchange.Steps[i])) return null;
            if (kernel[i].Lines.SequenceEqual(ours[i].Lines)) continue;
            if (KnownDifferences.Find(exchange, i, kernel, ours) is not { } known) return new Difference(exchange, kernel, ours, i);
            _explained[known.Name] = _explained.GetValueOrDefault(known.Name) + 1;
            if (known.Rest == Rest.Nothing) return null;
            if (known.Rest == Rest.Everything || receivedOnly) continue;
            if (exchange.Steps.Take(i + 1).Any(ReceivedSide.EndsAt)) return null;
            receivedOnly = true;
            (kernel, ours) = ReceivedSide.From(i + 1, exchange, kernel, ours);
        }
        return null;
    }
}
