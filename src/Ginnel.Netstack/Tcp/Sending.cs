namespace Ginnel.Netstack;

/// <summary>
/// What a connection has to know of what it sends. It is made for the first octet and dropped at the end: a connection that only waits, as most of
/// ten thousand do, has none, nor a congestion control.
/// </summary>
internal sealed class Sending
{
    internal Scoreboard Scoreboard;
    internal Rack Rack;
    internal ProportionalReduction Reduction;
    internal GoingBack GoingBack;
}
