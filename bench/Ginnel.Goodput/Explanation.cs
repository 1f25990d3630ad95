namespace Ginnel.Goodput;

/// <summary>Why the figures are what they are; stands below the tables.</summary>
static class Explanation
{
    public const string Text =
        """
        ## Why

        - **Loss.** A window that halves at each loss averages MSS / (RTT · √(2p/3)): 68 Mbit/s at 0.01 %, 21 at 0.1 %, 10 at 0.5 %, 7 at 1 %,
          5 at 2 %, 3 at 5 %. Up to 0.01 % the path's 50 Mbit/s are the limit, from 0.5 % on that formula is, and beyond 5 % so few segments
          are in flight that nothing may be left to show a loss but the probe of the tail and the timer. CUBIC gives back 30 % of its
          window instead of half, hence it lies above NewReno once losses are frequent.
        - **Without SACK** recovery mends one hole in each round trip (RFC 6582). A queue that overflows loses many segments at once; how many
          is known when the first of them is mended, by the duplicates that did not come, and beyond four everything is sent again in slow
          start. That costs some segments twice and a few round trips, hence a little less without loss than with SACK; with random
          losses, which come one by one, there is little between them.
        - **Buffer.** A window of the buffer's size per round trip is the limit until it covers the path and its queue together, 125 + 128 KiB.
          A longer one gains nothing, and costs nothing either: HyStart++ (RFC 9406) leaves slow start when the queue begins to grow, before
          it overflows by as much as the buffer admits. With 1 % loss the window never gets so far.
        - **Round trip.** The same formula, by distance. Without loss and at 100 ms it is CUBIC's growth after a first slow start that HyStart++
          ended early.
        - **Reordering.** RACK (RFC 8985) waits for what is late, a quarter of the shortest round trip at first and longer once duplicates were
          reported; and a window reduced for nothing is given back. At 100 ms packets are up to 25 ms late, the whole of that quarter.
        - **Spread.** Losses and jitter follow from the seed. Half the distance between the quartiles stands beside each median; a column is
          taken to follow its rows when no step goes the wrong way by more than the spreads of both cells and 1 %.

        """;
}
