using System.Diagnostics;

namespace Ginnel.Interop.Differential;

/// <summary>What was seen of one step: what the system sent, and what its application got.</summary>
/// <param name="Segments">What it sent.</param>
/// <param name="Results">What its application got.</param>
/// <param name="Built">The peer's segment, if that was the step.</param>
internal sealed record StepSeen(IReadOnlyList<SentSegment> Segments, IReadOnlyList<string> Results, PeerSegment? Built)
{
    public IEnumerable<string> Lines => Results.Select(result => "= " + result).Concat(Segments.Select(segment => segment.ToString()));
}

/// <summary>Drives one system through an exchange.</summary>
internal sealed class ExchangeRun(Exchange exchange, IExchangeSubject subject, ScriptedPeer peer)
{
    // Longer than the first retransmission takes, shorter than the second of a connection that nobody answers.
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(650);
    private readonly List<StepSeen> _seen = [];
    private long _written;
    private long _read;

    /// <summary>
    /// The longest that a step took which was not to wait: more than some milliseconds, and timers may have expired meanwhile.
    /// </summary>
    public TimeSpan LongestStep { get; private set; }

    /// <summary>Everything, step by step. Which steps were waits for nothing may be told by a run of the other system.</summary>
    public IReadOnlyList<StepSeen> Run()
    {
        foreach (Step step in exchange.Steps)
        {
            Stopwatch time = Stopwatch.StartNew();
            List<string> results = [];
            List<SentSegment> segments = [];
            peer.Forget();
            if (step.Kind == StepKind.Wait) Await(segments);
            else
            {
                Act(step, results);
                Understand(subject.Collect(), segments);
                if (time.Elapsed > LongestStep) LongestStep = time.Elapsed;
            }
            if (subject.Progress() is { } progress) results.Add(progress);
            _seen.Add(new StepSeen(segments, results, peer.Built));
        }
        return _seen;
    }

    private void Act(Step step, List<string> results)
    {
        switch (step.Kind)
        {
            case StepKind.Connect: subject.Connect(); break;
            case StepKind.Write: results.Add(Write(step.Count)); break;
            case StepKind.Read: results.Add(Read(step.Count)); break;
            case StepKind.Shutdown: subject.Shutdown(); break;
            case StepKind.Close: subject.Close(); break;
            case StepKind.Abort: subject.Abort(); break;
            case StepKind.Segment: subject.Inject(peer.Build(step)); break;
        }
    }

    private string Write(int count)
    {
        byte[] octets = new byte[count];
        for (int i = 0; i < count; i++) octets[i] = ScriptedPeer.SystemOctet(_written + i);
        string result = subject.Write(octets);
        if (result == "ok") _written += count;
        return result;
    }

    private string Read(int most)
    {
        List<byte> octets = [];
        string end = subject.Read(most, octets);
        bool right = true;
        foreach (byte octet in octets) right &= octet == ScriptedPeer.PeerOctet(_read++);
        return $"{octets.Count} octets{(right ? "" : " WRONG")}{(end.Length > 0 ? ", " : "")}{end}";
    }

    private void Understand(List<byte[]> packets, List<SentSegment> segments)
    {
        foreach (byte[] packet in packets)
        {
            if (peer.Understand(packet) is { } segment) segments.Add(segment);
        }
    }

    /// <summary>
    /// Until the oldest in flight is sent again. Others that are sent before it are probes of the tail, which only one of the systems may
    /// have (RFC 8985 section 7).
    /// </summary>
    private void Await(List<SentSegment> segments)
    {
        for (int tries = 0; tries < 4; tries++)
        {
            List<SentSegment> sent = [];
            Understand(subject.Wait(Patience), sent);
            if (sent.Count == 0) return;
            if (sent.FirstOrDefault(each => each.Sequence <= peer.Acknowledged) is not { } oldest) continue;
            segments.Add(oldest);
            return;
        }
    }
}
