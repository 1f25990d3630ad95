namespace Ginnel.Versus.Tables;

/// <summary>Why the figures are what they are; stands below the tables.</summary>
internal static class Explanation
{
    internal const string Text =
        """
        ## Why

        - **Loss on short paths.** There Reno's estimate is the larger one. Ours lets it grow by a whole segment in a round trip once it is back at the window
          before the loss (RFC 9438 section 4.3); Linux goes on with 0.53. Beside one flow of the kernel's, ours has no more than its share all the same.
        - **Late packets at 100 ms.** Where the first slow start ends decides a transfer of fifty round trips, and that is chance for both: hence the quartiles.
          `trace 0,100,1 ours 1 5 250` shows ours overshooting the queue once, by 460 packets, which takes a second to mend, and 40 Mbit/s from then on; the
          kernel's of the same seed loses 58 in its first second and has 27 at the end.
        - **What ran beside.** Half the rounds of late packets at 100 ms, and the sharing (two rounds each), were measured beside other work on the machine.

        """;
}
