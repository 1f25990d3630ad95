namespace Ginnel.Netstack;

/// <summary>
/// How much may be sent during fast recovery (RFC 9937, which replaced RFC 6937). Theory of operation: the window has to come down from
/// what was in flight to ssthresh. Instead of waiting until so much has drained, a part of what arrives is sent, so that both get there
/// at the same time; and when losses have taken more than that, what arrives is replaced, with a segment more for each acknowledgment
/// that shows progress and no new loss. So there is neither a silence nor a burst, however many segments were lost at once.
/// </summary>
internal struct ProportionalReduction
{
    private int _flight;
    private int _delivered;
    private int _sent;

    /// <summary>A recovery begins; <paramref name="flight"/> is RecoverFS, the octets that can be delivered during it.</summary>
    internal void Begin(int flight) => (_flight, _delivered, _sent) = (Math.Max(1, flight), 0, 0);

    /// <summary>prr_out: octets have left.</summary>
    internal void Sent(int octets) => _sent += octets;

    /// <summary>
    /// cwnd after an acknowledgment (RFC 9937 section 6). <paramref name="isSafe"/>: SND.UNA has moved and nothing more was lost.
    /// </summary>
    internal int Window(int delivered, int inFlight, int threshold, int segmentSize, bool isSafe)
    {
        _delivered += delivered;
        long allowance;
        if (inFlight > threshold)
        {
            // Proportional: rounded up.
            allowance = ((long)_delivered * threshold + _flight - 1) / _flight - _sent;
        }
        else
        {
            // Conservation of packets, and a segment more when recovery goes well.
            allowance = Math.Max(_delivered - _sent, delivered);
            if (isSafe) allowance += segmentSize;
            allowance = Math.Min(threshold - inFlight, allowance);
        }
        // The first retransmission goes out whatever the arithmetic says.
        if (_sent == 0 && allowance < segmentSize) allowance = segmentSize;
        // Where all is lost, what was sent before must not keep the window at nothing until the timer.
        return (int)Math.Max(inFlight + Math.Max(0, allowance), segmentSize);
    }
}
