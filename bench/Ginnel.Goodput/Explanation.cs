namespace Ginnel.Goodput;

/// <summary>Why the figures are what they are; stands below the tables.</summary>
static class Explanation
{
    public const string Text =
        """
        ## Why

        - **Loss.** A window that halves at each loss averages MSS / (RTT · √(2p/3)): 68 Mbit/s at 0.01 %, 21 at 0.1 %, 10 at 0.5 %, 7 at 1 %,
          5 at 2 %, 3 at 5 %. Up to 0.01 % the path's 50 Mbit/s are the limit, from 0.5 % on that formula is, and beyond 5 % so few segments
          are in flight that lost retransmissions, which only the timer finds, cost more than halving does. CUBIC gives back 30 % of its
          window instead of half, hence it lies above NewReno once losses are frequent.
        - **Without SACK** recovery mends one hole in each round trip (RFC 6582). At the end of slow start a queue overflows by about its own
          length, so many holes must be mended one by one, once, whatever the random loss: the figures without loss show that, and it is
          why they rise so little when loss falls. A little loss even ends slow start earlier and spares that.
        - **Buffer.** A window of the buffer's size per round trip is the limit until it covers the path and its queue together, 125 + 128 KiB.
          A longer one gains nothing, and without loss it costs: the last doubling of slow start overshoots by what the buffer admits, and
          mending that takes a few round trips once (HyStart++, RFC 9406, would leave slow start before; it is not built). So the step from
          512 to 1024 KiB is shown but not demanded to rise. With 1 % loss the window never gets so far.
        - **Spread.** Losses and jitter follow from the seed. Half the distance between the quartiles stands beside each median; a column is
          taken to follow its rows when no step goes the wrong way by more than the spreads of both cells and 1 %.

        """;
}
